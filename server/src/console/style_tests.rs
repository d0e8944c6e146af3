//! What the style sheet promises: small, alone, and readable in both modes.

use std::collections::{BTreeMap, BTreeSet};

const STYLE: &str = include_str!("assets/style.css");
/// Largest style sheet, in bytes.
const MAX_BYTES: usize = 35_000;

/// Text on its ground: at least 4.5 to 1.
const TEXT: [(&str, &str); 39] = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "raised"),
    ("soft", "paper"),
    ("soft", "surface"),
    ("soft", "raised"),
    ("soft", "accent-soft"),
    ("soft", "none-soft"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("accent", "raised"),
    ("accent", "accent-soft"),
    ("accent", "elevated-soft"),
    ("accent", "high-soft"),
    ("accent", "low-soft"),
    ("accent-strong", "surface"),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-danger", "danger"),
    ("danger", "surface"),
    ("danger", "paper"),
    ("high", "high-soft"),
    ("elevated", "elevated-soft"),
    ("low", "low-soft"),
    ("ink", "accent-soft"),
    ("ink", "high-soft"),
    ("ink", "elevated-soft"),
    ("ink", "low-soft"),
    ("raises", "surface"),
    ("lowers", "surface"),
    ("raises", "raised"),
    ("lowers", "raised"),
    ("ink", "h1"),
    ("ink", "h2"),
    ("ink", "h3"),
    ("ink", "h4"),
    ("ink", "h5"),
    ("ink", "h6"),
];
/// Text in the hottest cell, and what is drawn rather than written: at least 4.5 and 3 to 1.
const HOTTEST: (&str, &str) = ("ink", "h7");
const DRAWN: [(&str, &str); 9] = [
    ("edge", "surface"),
    ("edge", "paper"),
    ("faint", "surface"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("raises", "surface"),
    ("lowers", "surface"),
    ("elevated", "elevated-soft"),
    ("danger", "high-soft"),
];

/// The templates by name.
fn templates() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path()).unwrap())
    };
    let all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    assert!(all.len() > 5, "the templates are not all seen");
    all
}

/// The colours of a block of custom properties.
fn colours(block: &str) -> BTreeMap<&str, [f64; 3]> {
    let declarations = block.split([';', '{']).filter_map(|part| part.trim().strip_prefix("--")?.split_once(": #"));
    let opaque = declarations.filter(|(_, digits)| digits.len() == 6);
    let channel = |digits: &str, at: usize| {
        let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    opaque.map(|(name, digits)| (name, [0, 2, 4].map(|at| channel(digits, at)))).collect()
}

/// How many times as light the lighter one is (WCAG 2.2, contrast ratio).
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |[red, green, blue]: [f64; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn text_and_signs_stand_out_in_both_modes() {
    let (light, rest) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
    let (dark, _) = rest.split_once("\n}").unwrap();
    let mut weak = Vec::new();
    for (mode, block) in [("light", light), ("dark", dark)] {
        let colours = colours(block);
        let pairs = TEXT.into_iter().chain([HOTTEST]).map(|pair| (pair, 4.5));
        for ((front, ground), least) in pairs.chain(DRAWN.map(|pair| (pair, 3.0))) {
            let ratio = contrast(colours[front], colours[ground]);
            if ratio < least {
                weak.push(format!("{mode}: {front} on {ground} is {ratio:.2}, not {least}"));
            }
        }
    }
    assert!(weak.is_empty(), "{weak:#?}");
}

#[test]
fn both_modes_name_the_same_colours() {
    let (light, rest) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
    let (dark, _) = rest.split_once("\n}").unwrap();
    let (light, dark) = (colours(light), colours(dark));
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>());
    assert!(light.len() > 25, "{light:?}");
}

#[test]
fn the_style_sheet_is_small_and_asks_for_nothing_else() {
    assert!(STYLE.len() < MAX_BYTES, "{} bytes", STYLE.len());
    for foreign in ["@import", "url(", "http:", "https:", "@font-face", "expression("] {
        assert!(!STYLE.contains(foreign), "{foreign}");
    }
    assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
}

#[test]
fn every_property_that_is_used_is_defined() {
    let used = STYLE.split("var(--").skip(1).map(|rest| rest.split([')', ',']).next().unwrap());
    for name in used {
        assert!(STYLE.contains(&format!("--{name}:")), "--{name} is not defined");
    }
}

#[test]
fn every_class_of_a_template_is_in_the_style_sheet() {
    let named = |rest: &'static str| rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap();
    let known: BTreeSet<&str> = STYLE.split('.').skip(1).map(named).collect();
    for (name, text) in templates() {
        for classes in text.split("class=\"").skip(1) {
            let classes = classes.split('"').next().unwrap();
            // What a template fills in is known by the type that gives it.
            let fixed = classes.split("{%").flat_map(|part| part.rsplit("%}").next()).collect::<Vec<_>>().join(" ");
            for class in fixed.split_whitespace().filter(|class| class.chars().all(|c| c.is_alphanumeric() || c == '-'))
            {
                assert!(known.contains(class), "{name}: no rule for .{class} in style.css");
            }
        }
    }
}

#[test]
fn templates_carry_no_style_and_no_script() {
    for (name, text) in templates() {
        let text = text.to_lowercase();
        for forbidden in
            ["style=", "<style", "<script>", "javascript:", " onclick", " onload", " onerror", "http://", "https://"]
        {
            assert!(!text.contains(forbidden), "{name}: {forbidden}");
        }
    }
}
