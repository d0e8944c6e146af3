//! Where one is in a list, and the way back. Lists of the API go on from token to token, and none leads backwards: so an address
//! carries the tokens of the pages passed. Nothing is kept on the server, and a token is good only for whom and for what it was made.

use crate::console::frame::Pager;
use crate::limits::MAX_ROWS_BEFORE;

/// Longest way back, in characters: of a longer one the oldest pages are forgotten, so that addresses stay short enough for any proxy.
const MAX_BACK: usize = 3_000;

/// A page of a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    /// Its token; empty for the first.
    pub(crate) page: String,
    /// How many rows stand on the pages before.
    pub(crate) before: usize,
    /// The pages before, as an address has them: rows before and token of each, the first page first.
    pub(crate) back: String,
}

impl Place {
    /// The place that an address asks for; a way back that no page of ours made is none.
    pub(crate) fn of(page: &str, before: &str, back: &str) -> Self {
        if page.is_empty() {
            return Self::default();
        }
        let back = if is_way(back) { back.to_owned() } else { String::new() };
        Self { page: page.to_owned(), before: rows_before(before), back }
    }

    /// The page after this one, of so many rows.
    pub(crate) fn next(&self, page: &str, rows: usize) -> Self {
        let mut back = self.back.clone();
        if !back.is_empty() {
            back.push('.');
        }
        back.push_str(&format!("{}-{}", self.before, self.page));
        while back.len() > MAX_BACK {
            back = back.split_once('.').map(|(_, later)| later.to_owned()).unwrap_or_default();
        }
        Self { page: page.to_owned(), before: self.before.saturating_add(rows), back }
    }

    /// The page before this one, where the address still knows it.
    pub(crate) fn previous(&self) -> Option<Self> {
        let (back, last) = self.back.rsplit_once('.').unwrap_or(("", &self.back));
        let (before, page) = last.split_once('-')?;
        Some(Self { page: page.to_owned(), before: rows_before(before), back: back.to_owned() })
    }

    /// The links to other pages of a list, of which this one has so many rows; `href` gives the address of a place.
    pub(crate) fn pager(&self, said: String, next: &str, rows: usize, href: impl Fn(&Self) -> String) -> Pager {
        Pager {
            said,
            first: (!self.page.is_empty()).then(|| href(&Self::default())),
            previous: self.previous().map(|place| href(&place)),
            next: (!next.is_empty()).then(|| href(&self.next(next, rows))),
        }
    }

    /// The rows before, as an address has them: none on the first page.
    pub(crate) fn rows(&self) -> String {
        if self.page.is_empty() { String::new() } else { self.before.to_string() }
    }
}

/// How many rows stand on the pages before, as an address has it.
pub(crate) fn rows_before(text: &str) -> usize {
    text.parse().unwrap_or(0).min(MAX_ROWS_BEFORE)
}

/// Whether a text is a way that [`Place::next`] may have made.
fn is_way(back: &str) -> bool {
    let of_token = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let is_page = |page: &str| {
        page.split_once('-')
            .is_some_and(|(before, token)| before.parse::<usize>().is_ok() && token.chars().all(of_token))
    };
    back.len() <= MAX_BACK && back.split('.').all(is_page)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::{MAX_BACK, Place, rows_before};
    use crate::limits::MAX_ROWS_BEFORE;

    /// The place as the address of its page gives it back.
    fn again(place: &Place) -> Place {
        Place::of(&place.page, &place.rows(), &place.back)
    }

    #[test]
    fn the_way_back_is_the_way_there() {
        let first = Place::default();
        assert_eq!(first.previous(), None);
        let second = again(&first.next("tok-2_", 35));
        let third = again(&second.next("tok3", 35));
        assert_eq!((third.page.as_str(), third.before, third.back.as_str()), ("tok3", 70, "0-.35-tok-2_"));
        assert_eq!(third.previous(), Some(second.clone()));
        assert_eq!(second.previous(), Some(first));
    }

    #[test]
    fn a_long_way_is_cut_at_its_beginning() {
        let mut place = Place::default();
        let mut passed = Vec::new();
        for page in 0..100 {
            passed.push(place.clone());
            place = again(&place.next(&format!("{page}-{}", "x".repeat(100)), 50));
            assert!(place.back.len() <= MAX_BACK);
        }
        let mut known = 0;
        while let Some(before) = place.previous() {
            let expected = passed.pop().unwrap();
            assert_eq!((&before.page, before.before), (&expected.page, expected.before));
            (place, known) = (before, known + 1);
        }
        assert!((20..30).contains(&known) && !place.page.is_empty(), "{known}");
        // One that no way could hold leaves none.
        assert_eq!(Place { page: "x".repeat(MAX_BACK), ..Place::default() }.next("y", 1).previous(), None);
    }

    #[test]
    fn what_no_page_of_ours_made_leads_nowhere() {
        for back in
            ["", ".", "x", "x-y", "1-a.b", "1-<script>", "1-a/../b", "-1-a", "1-a..1-b", "1-ä", &"1-a.".repeat(2_000)]
        {
            assert_eq!(Place::of("page", "35", back).back, "", "{back}");
        }
        assert_eq!(Place::of("", "35", "0-"), Place::default(), "the first page has none before it");
        assert_eq!(rows_before(&u64::MAX.to_string()), MAX_ROWS_BEFORE);
    }
}
