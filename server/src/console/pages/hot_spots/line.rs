//! A group, as a line of a table and as a dot of a drawing.

use flight_risk_proto::v1;

use crate::console::charts::{Estimate, Group, GroupFigures, Markup, Share, Whisker};
use crate::console::error::encoded;
use crate::console::words;
use crate::insight::dimension::uncrossed;

/// A group in words.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) people: String,
    pub(super) mean: String,
    pub(super) range: String,
    pub(super) chart: Option<Markup>,
    /// Leavers expected from now.
    pub(super) expected: String,
    /// Who left, who was expected to, and how the two compare; absent while nothing was observed.
    pub(super) observed: Option<Observed>,
    /// Where its drivers are.
    pub(super) drivers: String,
    /// Where its members are listed, for whom may list them.
    pub(super) list: Option<String>,
}

/// What was observed of a group.
pub(super) struct Observed {
    pub(super) left: String,
    pub(super) count: u64,
    /// Who was expected to, and when.
    pub(super) note: String,
    pub(super) ratio: String,
    /// Whether more left than their own facts explain.
    pub(super) hot: bool,
}

impl Line {
    /// A line; `scale` is the mean risk of all and where drawings of mean risks end, `when` the time in which exits were observed.
    pub(super) fn of(group: &v1::Hotspot, by: &str, scale: (f64, f64), when: &str, may_list: bool) -> Self {
        let (base, most) = scale;
        let risk = Estimate::share(group.mean_risk, group.mean_risk_low, group.mean_risk_high);
        let chart = risk.zip(Share::new(base)).zip(Share::new(most));
        Self {
            name: named(by, &group.group),
            people: words::count(group.employees, "person", "people"),
            mean: words::percent(group.mean_risk),
            range: words::percent_range(group.mean_risk_low, group.mean_risk_high),
            chart: chart.map(|((risk, base_rate), most)| Whisker { risk, base_rate, most }.picture()),
            expected: words::about(group.expected_leavers),
            observed: observed(group, when),
            drivers: format!("/drivers?by={by}&group={}", encoded(&group.group)),
            list: if may_list && !group.filter.is_empty() { members(by, &group.group) } else { None },
        }
    }
}

/// What is said of a group of which more left than its own facts explain.
pub(super) const HOT: &str = "more than explained";

/// A group, as people say it.
pub(in crate::console::pages) fn named(by: &str, group: &str) -> String {
    match (by, uncrossed(group)) {
        ("tenure", _) => in_years(group),
        ("crossed", Some((department, years))) => format!("{department}, {}", in_years(years)),
        _ => group.to_owned(),
    }
}

/// A group of years, as people say it.
pub(super) fn in_years(years: &str) -> String {
    let unit = if years == "1" || years.ends_with(" 1") { "year" } else { "years" };
    format!("{years} {unit}")
}

/// Whether exits were observed of those of a group.
pub(super) fn is_observed(group: &v1::Hotspot) -> bool {
    group.expected_exits > 0.0
}

/// How many times the expected left.
pub(super) fn times(group: &v1::Hotspot) -> String {
    format!("{:.1} times ({:.1} to {:.1})", group.excess, group.excess_low, group.excess_high)
}

fn observed(group: &v1::Hotspot, when: &str) -> Option<Observed> {
    is_observed(group).then(|| Observed {
        left: left(group),
        count: group.observed_exits,
        note: format!("{} expected, {when}", words::about(group.expected_exits)),
        ratio: times(group),
        hot: group.hot,
    })
}

/// Who left and who was expected to.
pub(super) fn left(group: &v1::Hotspot) -> String {
    format!("{} left, {} expected", group.observed_exits, words::about(group.expected_exits))
}

/// The at-risk list of a group's members.
pub(in crate::console::pages) fn members(by: &str, group: &str) -> Option<String> {
    let field = |name: &str, value: &str| format!("{name}={}", encoded(value));
    Some(match by {
        "crossed" => {
            let (department, tenure) = uncrossed(group)?;
            format!("/at-risk?{}&{}", field("department", department), field("years", tenure))
        }
        "tenure" => format!("/at-risk?{}", field("years", group)),
        by => format!("/at-risk?{}", field(by, group)),
    })
}

/// Who left as a share with its interval, beside the share that was expected to; `None` where nothing was observed.
pub(super) fn dots(by: &str, group: &v1::Hotspot) -> Option<Group> {
    let people = group.employees;
    if people == 0 || !is_observed(group) {
        return None;
    }
    let expected = group.expected_exits / people as f64;
    let share = |excess: f64| (excess * expected).min(1.0);
    let observed = Estimate::share(share(group.excess), share(group.excess_low), share(group.excess_high))?;
    let figures = GroupFigures { people, observed, expected: Share::new(expected)? };
    Some(Group { label: named(by, &group.group), figures: Ok(figures) })
}

#[cfg(test)]
mod tests {
    use super::{in_years, members, named};

    #[test]
    fn one_year_is_one() {
        for (group, expected) in
            [("under 1", "under 1 year"), ("1 to 2", "1 to 2 years"), ("10 and more", "10 and more years")]
        {
            assert_eq!(in_years(group), expected);
        }
    }

    #[test]
    fn groups_are_named_as_people_say_them() {
        for (by, group, expected) in [
            ("department", "R / D", "R / D"),
            ("tenure", "5 to 10", "5 to 10 years"),
            ("crossed", "R / D / 5 to 10", "R / D, 5 to 10 years"),
            ("crossed", "Finance / under 1", "Finance, under 1 year"),
        ] {
            assert_eq!(named(by, group), expected);
        }
    }

    #[test]
    fn a_group_leads_to_the_list_of_its_people() {
        for (by, group, expected) in [
            ("department", "R&D", Some("/at-risk?department=R%26D")),
            ("tenure", "under 1", Some("/at-risk?years=under%201")),
            ("crossed", "R / D / 1 to 2", Some("/at-risk?department=R%20%2F%20D&years=1%20to%202")),
            ("crossed", "Sales", None),
        ] {
            assert_eq!(members(by, group).as_deref(), expected, "{by} {group}");
        }
    }
}
