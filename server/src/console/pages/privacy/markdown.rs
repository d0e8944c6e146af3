//! The plain-language text of an export as parts of a page: the few marks of Markdown that it has, and nothing else.

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading of the second level.
    Heading(String),
    /// A heading of the third level.
    Subheading(String),
    /// A paragraph.
    Paragraph(String),
    /// A list.
    List(Vec<String>),
}

/// The parts of a text; its title, which a page has already, is left out.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("# ")) {
        if let Some(heading) = line.strip_prefix("## ") {
            blocks.push(Block::Heading(plain(heading)));
        } else if let Some(heading) = line.strip_prefix("### ") {
            blocks.push(Block::Subheading(plain(heading)));
        } else if let Some(item) = line.strip_prefix("- ") {
            match blocks.last_mut() {
                Some(Block::List(items)) => items.push(plain(item)),
                _ => blocks.push(Block::List(vec![plain(item)])),
            }
        } else {
            blocks.push(Block::Paragraph(plain(line)));
        }
    }
    blocks
}

/// A text without the signs that keep others from being taken for marks.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next()),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_parts_and_text_stays_text() {
        let text = "# Title\n\nOne \\<b\\> two\n\n## Head\n\n- a\n- \\# b\n\n### Sub\n- c\n";
        let expected = [
            Block::Paragraph("One <b> two".into()),
            Block::Heading("Head".into()),
            Block::List(vec!["a".into(), "# b".into()]),
            Block::Subheading("Sub".into()),
            Block::List(vec!["c".into()]),
        ];
        assert_eq!(blocks(text), expected);
    }
}
