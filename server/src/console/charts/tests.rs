//! What holds for every chart, whatever the labels and numbers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Labels that would be markup, or break it, or the page.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></text></svg></td></table><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &#60; ]]> <!-- -->",
    "\u{0}\u{1}\u{b}\u{fffe}\u{ffff}\u{202e}tfel ot thgir",
    "مرحبا بالعالم 東京 ᚠᛇᚻ 🧑‍🔧",
    "{{ 7 * 7 }} {% if true %} ${x} `y`",
];

const STYLE: &str = include_str!("../assets/style.css");

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

fn real(value: f64) -> Real {
    Real::new(value).unwrap()
}

fn waterfall(label: &str, contributions: &[f64], rest: Option<f64>) -> Waterfall {
    let step = |(place, contribution): (usize, &f64)| Step {
        label: label.to_owned(),
        detail: label.to_owned(),
        contribution: real(*contribution),
        actionable: place.is_multiple_of(2),
    };
    Waterfall {
        title: label.to_owned(),
        from: label.to_owned(),
        from_value: label.to_owned(),
        steps: contributions.iter().enumerate().map(step).collect(),
        rest: rest.map(|rest| (label.to_owned(), real(rest))),
        to: label.to_owned(),
        to_value: label.to_owned(),
    }
}

/// Every chart with this label everywhere, a probability with its interval, an effect with its interval, and so many of each.
fn every_chart(label: &str, risk: Estimate, effect: Estimate, many: usize) -> Vec<Box<dyn Chart>> {
    let text = || label.to_owned();
    let value = share(risk.value());
    let place = |place: usize| place as f64;
    vec![
        Box::new(waterfall(label, &vec![effect.value(); many], Some(effect.low()))),
        Box::new(Horizons {
            title: text(),
            horizons: (0..many)
                .map(|n| Horizon {
                    months: n as u32,
                    risk,
                    base_rate: (n % 2 == 0).then_some(value),
                    team: (n % 3 == 0).then_some(value),
                })
                .collect(),
        }),
        Box::new(Categories {
            title: text(),
            levels: (0..many).map(|n| Level { label: text(), effect, people: Some(n as u64) }).collect(),
        }),
        Box::new(Groups {
            title: text(),
            groups: (0..many)
                .map(|n| Group {
                    label: text(),
                    figures: if n % 2 == 0 {
                        Ok(GroupFigures { people: n as u64, observed: risk, expected: value })
                    } else {
                        Err(text())
                    },
                })
                .collect(),
        }),
        Box::new(Reliability {
            title: text(),
            bins: vec![ReliabilityBin { predicted: value, observed: risk, people: u64::MAX }; many],
        }),
        Box::new(Lift { title: text(), listed: many as u64, expected: 1, likely: Some((0, 3)), by_chance: 0 }),
        Box::new(Trend {
            title: text(),
            months: (0..many)
                .map(|n| TrendMonth {
                    label: text(),
                    mean_risk: (n % 4 != 1).then_some(value),
                    exits: (n % 4 != 2).then_some(n as u64),
                })
                .collect(),
        }),
        Box::new(History {
            title: text(),
            points: (0..many)
                .map(|n| HistoryPoint {
                    day: n as i32,
                    label: text(),
                    risk: (n % 5 != 1).then_some(risk),
                    note: text(),
                })
                .collect(),
            models: vec![ModelChange { day: 0, label: text() }],
        }),
        Box::new(Curve {
            title: text(),
            across: text(),
            points: (0..many).map(|n| CurvePoint { at: real(place(n)), effect }).collect(),
            unknown: Some(effect),
        }),
        Box::new(HeatMap {
            title: text(),
            rows_are: text(),
            columns: (0..many.min(6)).map(|n| column(text(), n)).collect(),
            rows: (0..many)
                .map(|n| HeatRow {
                    label: text(),
                    note: text(),
                    href: (n % 2 == 0).then(text),
                    cells: vec![
                        Heat::Shown {
                            ratio: real(effect.high().exp().min(1e300)),
                            text: text(),
                            note: text(),
                            href: (n % 2 == 1).then(text),
                        },
                        Heat::Hidden { reason: text() },
                        Heat::Empty,
                    ],
                })
                .collect(),
            hidden: (many > 2).then(|| HiddenRows { label: text(), reason: text() }),
        }),
    ]
}

fn column(label: String, place: usize) -> HeatColumn {
    HeatColumn { label, against: if place.is_multiple_of(2) { Against::Expected } else { Against::Everybody } }
}

/// An element's name and its attributes, unescaped.
type Element = (String, Vec<(String, String)>);

/// The elements of well-formed XML and its text; panics at anything else.
fn parsed(markup: &str) -> (Vec<Element>, String) {
    let (mut elements, mut open, mut text) = (Vec::new(), Vec::<String>::new(), String::new());
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        let (before, after) = rest.split_at(start);
        text.push_str(&unescaped(before));
        // No value holds `>`: it is escaped.
        let (tag, behind) = after[1..].split_once('>').expect("an end of the tag");
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in its order");
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "{name:?}");
        let mut found = Vec::new();
        while !attributes.is_empty() {
            let (key, behind) = attributes.split_once("=\"").unwrap_or_else(|| panic!("{attributes:?} in {tag:?}"));
            let (value, behind) = behind.split_once('"').expect("an end of the value");
            let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
            assert!(key.chars().all(known) && !found.iter().any(|(other, _)| other == key), "{key:?} in {tag:?}");
            found.push((key.to_owned(), unescaped(value)));
            attributes = behind.strip_prefix(' ').unwrap_or(behind);
        }
        elements.push((name.to_owned(), found));
        if !empty {
            open.push(name.to_owned());
        }
    }
    text.push_str(&unescaped(rest));
    assert!(open.is_empty(), "left open: {open:?}");
    (elements, text)
}

fn unescaped(text: &str) -> String {
    assert!(!text.contains(['<', '>', '"']), "{text:?}");
    assert!(text.chars().all(|c| !c.is_control() && c != '\u{fffe}' && c != '\u{ffff}'), "{text:?}");
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
    let plain = entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    let escaped = entities.iter().fold(text.replace("&amp;", ""), |text, (entity, _)| text.replace(entity, ""));
    assert!(!escaped.contains('&'), "a bare ampersand in {text:?}");
    plain.replace("&amp;", "&")
}

/// Whether this is markup that the page's policy lets work: no style, no script, no colour, no number that is none.
fn check(markup: &str) -> String {
    let (elements, text) = parsed(markup);
    for (name, attributes) in &elements {
        assert!(!["script", "style", "img", "image", "foreignObject", "use"].contains(&name.as_str()), "{name}");
        for (key, value) in attributes {
            assert!(!key.starts_with("on") && !["style", "id", "fill", "stroke"].contains(&key.as_str()), "{key}");
            let drawn = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "d", "dx"];
            if drawn.contains(&key.as_str()) {
                assert!(!value.contains("NaN") && !value.contains("inf") && !value.is_empty(), "{name} {key}={value}");
            }
        }
    }
    text
}

fn extremes() -> Vec<(Estimate, Estimate)> {
    let risks = [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.5, 0.0, 1.0), (1e-9, 0.0, 1e-8), (0.999_999, 0.2, 1.0)];
    let effects =
        [(0.0, 0.0, 0.0), (1e-12, -1e-12, 1e-12), (300.0, -300.0, 700.0), (-1e300, -1e308, 1e308), (0.7, 0.1, 1.3)];
    let risks = risks.map(|(value, low, high)| Estimate::share(value, low, high).unwrap());
    let effects = effects.map(|(value, low, high)| Estimate::new(value, low, high).unwrap());
    risks.into_iter().zip(effects).collect()
}

#[test]
fn every_chart_is_well_formed_at_the_extremes() {
    for (risk, effect) in extremes() {
        for many in [0, 1, 2, 13, 200] {
            for chart in every_chart("Years here", risk, effect, many) {
                check(chart.figure().as_str());
                assert!(!chart.in_words().is_empty());
            }
        }
        let whisker = Whisker { risk, base_rate: share(risk.low()), most: share(risk.high()) };
        check(whisker.picture().as_str());
    }
}

#[test]
fn hostile_labels_are_text() {
    let (risk, effect) = (Estimate::share(0.3, 0.2, 0.4).unwrap(), Estimate::new(0.7, 0.1, 1.3).unwrap());
    let long = "very-long-without-any-space".repeat(400);
    for label in HOSTILE.into_iter().chain([long.as_str()]) {
        for chart in every_chart(label, risk, effect, 3) {
            let text = check(chart.figure().as_str());
            let seen: String = label
                .chars()
                .map(|c| if c.is_control() || c > '\u{fffd}' && c < '\u{10000}' { ' ' } else { c })
                .collect();
            assert!(text.contains(&seen), "{label:?} is not said in {text}");
        }
    }
}

#[test]
fn what_is_no_number_cannot_be_drawn() {
    assert!(Share::new(f64::NAN).is_none() && Real::new(f64::NAN).is_none() && Real::new(f64::INFINITY).is_none());
    for (value, low, high) in [(f64::NAN, 0.0, 1.0), (0.5, f64::NAN, 1.0), (0.5, 0.0, f64::INFINITY)] {
        assert!(Estimate::new(value, low, high).is_none(), "{value} {low} {high}");
    }
    assert_eq!(Share::new(7.0), Share::new(1.0));
    let estimate = Estimate::new(2.0, 3.0, 1.0).unwrap();
    assert_eq!((estimate.low(), estimate.value(), estimate.high()), (2.0, 2.0, 2.0));
}

#[test]
fn percents_are_whole_and_honest_at_the_ends() {
    let cases = [
        (0.0, "0 %"),
        (0.0001, "under 1 %"),
        (0.0049, "under 1 %"),
        (0.005, "1 %"),
        (0.124, "12 %"),
        (0.994, "99 %"),
        (0.996, "over 99 %"),
        (1.0, "100 %"),
    ];
    for (value, said) in cases {
        assert_eq!(percent(value).replace('\u{a0}', " "), said, "{value}");
    }
    assert_eq!(range(Estimate::share(0.3, 0.221, 0.479).unwrap()).replace('\u{a0}', " "), "22 to 48 %");
}

#[test]
fn every_class_is_in_the_style_sheet() {
    let (risk, effect) = (Estimate::share(0.3, 0.2, 0.4).unwrap(), Estimate::new(0.7, -0.1, 1.3).unwrap());
    let mut classes = BTreeSet::new();
    let mut figures: Vec<String> =
        every_chart("x", risk, effect, 4).iter().map(|chart| chart.figure().to_string()).collect();
    figures.push(waterfall("x", &[0.5, -0.7, 0.0], None).figure().to_string());
    figures.push(Whisker { risk, base_rate: share(0.1), most: share(0.5) }.picture().to_string());
    for figure in &figures {
        for (_, attributes) in parsed(figure).0 {
            let named = attributes.into_iter().filter(|(key, _)| key == "class");
            classes.extend(named.flat_map(|(_, value)| value.split(' ').map(str::to_owned).collect::<Vec<_>>()));
        }
    }
    assert!(classes.len() > 20, "{classes:?}");
    let known: BTreeSet<&str> = STYLE
        .split('.')
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap())
        .collect();
    let unknown: Vec<&String> = classes.iter().filter(|class| !known.contains(class.as_str())).collect();
    assert!(unknown.is_empty(), "not in style.css: {unknown:?}");
}

#[test]
fn a_picture_has_a_name_and_the_numbers_as_text() {
    let (risk, effect) = (Estimate::share(0.3, 0.2, 0.4).unwrap(), Estimate::new(0.7, 0.1, 1.3).unwrap());
    for chart in every_chart("Title of it", risk, effect, 3) {
        let figure = chart.figure();
        let (elements, _) = parsed(figure.as_str());
        let svg = |(name, attributes): &&Element, key: &str, value: &str| {
            name == "svg" && attributes.iter().any(|(k, v)| k == key && v == value)
        };
        let pictures = elements.iter().filter(|element| svg(element, "role", "img")).count();
        let beside = elements.iter().filter(|element| svg(element, "aria-hidden", "true")).count();
        let tables = elements.iter().filter(|(name, _)| name == "table").count();
        assert!(pictures > 0 || beside > 0 || tables > 0);
        // Whoever does not see the picture has a table; the list of figures says all in its sentence.
        assert!(tables > 0 || chart.in_words().contains("Of 3 people"), "{}", chart.title());
        let titles = elements.iter().filter(|(name, _)| name == "title").count();
        assert_eq!(titles, pictures, "{}", chart.title());
    }
}

#[test]
fn heat_has_seven_steps_that_rise() {
    let ratios = [0.0, 0.6, 0.8, 1.0, 1.2, 1.5, 9.0];
    let classes: Vec<&str> = ratios.iter().map(|ratio| super::heatmap::step(*ratio).0).collect();
    assert_eq!(classes, (1..=7).map(|n| format!("heat h{n}")).collect::<Vec<_>>());
    let signs: BTreeSet<&str> = ratios.iter().map(|ratio| super::heatmap::step(*ratio).1).collect();
    assert_eq!(signs.len(), 7, "colour is never the only sign");
}

#[test]
fn a_list_draws_one_figure_per_person_up_to_a_hundred() {
    let lift = |listed, expected| Lift { title: String::new(), listed, expected, likely: None, by_chance: 1 }.figures();
    assert_eq!(lift(20, 9), (20, 9, 1));
    assert_eq!(lift(1_000, 450), (100, 45, 0));
    assert_eq!(lift(0, 0), (0, 0, 0));
    assert_eq!(lift(5, 50), (5, 5, 1));
}

#[test]
fn what_is_not_shown_leaves_no_figure() {
    let hidden = HeatMap {
        title: "t".into(),
        rows_are: "r".into(),
        columns: vec![column("c".into(), 0)],
        rows: vec![row("l", vec![Heat::Hidden { reason: "too few".into() }])],
        hidden: None,
    };
    let text = check(hidden.picture().as_str());
    assert!(text.contains("not shown") && text.contains("too few"));
    assert_eq!(hidden.in_words(), "No group can be shown. Not shown, to protect people in small groups: 1 cell.");
}

fn row(label: &str, cells: Vec<Heat>) -> HeatRow {
    HeatRow { label: label.into(), note: String::new(), href: None, cells }
}

#[test]
fn every_column_is_put_in_words_as_what_it_is_held_against() {
    let cell =
        |ratio, text: &str| Heat::Shown { ratio: real(ratio), text: text.into(), note: String::new(), href: None };
    let heat = HeatMap {
        title: "t".into(),
        rows_are: "Group".into(),
        columns: vec![column("Left".into(), 0), column("Mean risk".into(), 1)],
        rows: vec![
            row("Sales", vec![cell(2.5, "10 left, 4 expected"), cell(1.0, "12 %")]),
            row("Legal", vec![cell(0.4, "1 left, 3 expected"), cell(1.6, "19 %")]),
        ],
        hidden: Some(HiddenRows { label: "3 more groups".into(), reason: "fewer than 10 people".into() }),
    };
    let text = check(heat.picture().as_str());
    for said in
        ["far above expected: 10 left", "as everybody’s: 12 %", "far below expected: 1 left", "above everybody’s: 19 %"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.contains("3 more groups") && text.contains("not shown fewer than 10 people"), "{text}");
    assert_eq!(
        heat.in_words(),
        "Highest above what was expected: Sales (2.5 times). Highest mean risk: Legal (1.6 times everybody’s). \
         Not shown, to protect people in small groups: 3 more groups."
    );
}

proptest! {
    /// The bars of a waterfall follow each other without a gap and end where the person is.
    #[test]
    fn bars_add_up(contributions in prop::collection::vec(-6.0..6.0_f64, 0..200), rest in prop::option::of(-3.0..3.0_f64)) {
        let chart = waterfall("x", &contributions, rest);
        let sum: f64 = contributions.iter().sum::<f64>() + rest.unwrap_or(0.0);
        prop_assert!((chart.total() - sum).abs() < 1e-9);
        let (bars, end) = chart.places();
        prop_assert!(bars.len() <= 13);
        for (before, after) in bars.iter().zip(bars.iter().skip(1)) {
            prop_assert!((before.1 - after.0).abs() < 1e-9, "a gap");
        }
        if let Some(last) = bars.last() {
            prop_assert!((last.1 - end).abs() < 1e-6, "{} {}", last.1, end);
        }
        // Nothing is drawn on the edge for want of room.
        prop_assert!(bars.iter().all(|(from, to)| [from, to].iter().all(|x| (0.0..=1.0).contains(*x))));
        let raised = bars.iter().map(|(from, to)| to - from).sum::<f64>();
        prop_assert!(sum.abs() < 1e-6 || raised.signum() == sum.signum());
    }

    /// An axis holds what it was made for, in order, and its labels are round and few.
    #[test]
    fn axes_hold_their_values(a in 0.0..1.0_f64, b in 0.0..1.0_f64, low in -9.0..0.0_f64, high in 0.0..9.0_f64) {
        let percents = super::scale::Axis::percent(a.max(b));
        prop_assert_eq!(percents.at(a) <= percents.at(b), a <= b || percents.at(a).to_bits() == percents.at(b).to_bits());
        prop_assert!((2..=6).contains(&percents.ticks.len()), "{:?}", percents.ticks);
        let odds = super::scale::Axis::odds(low, high);
        prop_assert!(odds.at(low) > 0.0 && odds.at(high) < 1.0 && odds.at(low) <= odds.at(high));
        prop_assert!((1..=7).contains(&odds.ticks.len()), "{:?}", odds.ticks);
        let labels: BTreeSet<&String> = odds.ticks.iter().map(|(_, label)| label).collect();
        prop_assert_eq!(labels.len(), odds.ticks.len(), "two ticks read the same");
    }
}
