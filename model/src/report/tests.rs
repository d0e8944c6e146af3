#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::path::Path;

use flight_risk_scoring::metrics::{Guard, GuardFinding, GuardKind, WeakReason};
use flight_risk_scoring::pair::Recurring;
use flight_risk_scoring::schema::FeatureKind;
use flight_risk_scoring::{Artifact, ArtifactContent};

use super::sample::{add_levels, add_number, company, flat};
use super::{model_card, report_html};

pub(super) fn artifact(content: ArtifactContent) -> Artifact {
    Artifact::new(content).unwrap()
}

/// Both documents, checked for what must hold for every model.
pub(super) fn documents(content: ArtifactContent) -> (String, String) {
    let artifact = artifact(content);
    let (html, card) = (report_html(&artifact), model_card(&artifact));
    for (name, text) in [("report", &html), ("card", &card)] {
        let odd = text.split(|c: char| !c.is_alphanumeric()).find(|word| ["NaN", "inf", "Some", "None"].contains(word));
        assert_eq!(odd, None, "{name}");
    }
    for attribute in ["src=", "href=", "url(", "@import", "<script", "<link", "<iframe", "<object"] {
        assert!(!html.contains(attribute), "{attribute} would ask for something else");
    }
    well_formed(&html);
    (html, card)
}

/// Every element that is opened is closed, in order; identifiers are unique and references lead somewhere.
fn well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        if tag.starts_with('!') || tag.ends_with('/') || ["meta", "br"].contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closing </{name}>");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    let values = |attribute: &str| -> Vec<String> {
        let start = format!(" {attribute}=\"");
        let parts = html.split(&start).skip(1);
        parts
            .flat_map(|part| part.split('"').next().unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    let mut ids = values("id");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an identifier stands twice");
    for reference in values("aria-labelledby") {
        assert!(ids.contains(&reference), "{reference} leads nowhere");
    }
}

/// Compares with a file in `golden/`; `FLIGHT_RISK_BLESS=1` writes it anew.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("FLIGHT_RISK_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (got, expected))) = text.lines().zip(expected.lines()).enumerate().find(|(_, (a, b))| a != b) {
        panic!(
            "{name}:{}\n   got {got}\n  file {expected}\nlook at the change; FLIGHT_RISK_BLESS=1 accepts it",
            line + 1
        );
    }
    assert_eq!(text.len(), expected.len(), "{name} has another length; FLIGHT_RISK_BLESS=1 accepts it");
}

#[test]
fn the_documents_of_a_company_are_those_that_were_looked_at() {
    let (html, card) = documents(company());
    golden("report.html", &html);
    golden("model-card.md", &card);
}

#[test]
fn the_verdict_says_how_good_the_model_is() {
    let (html, card) = documents(company());
    for text in [
        "This model tells leavers from stayers well.",
        "an employee leaves voluntarily within 12 months (and within 3 and 6)",
        "On a list of the 20 employees with the highest risk, expect about 9 leavers; 20 drawn by lot would hold about 2",
        "in 78 of 100 cases",
        "can be read as they stand",
        "48,213 employee-months of 1,184 employees with 412 voluntary exits, from 2020-01-01 to 2024-11-01",
        "trained on what came before 2023-11-01",
        "Dismissal, pay, promotion",
        "not causes",
    ] {
        assert!(html.contains(text), "the report lacks: {text}");
        assert!(card.contains(text), "the card lacks: {text}");
    }
    let mut partly = company();
    partly.metrics.rows.log_loss = 9.0;
    assert!(documents(partly).0.contains("Judged on employee-months it is no better than the base rate"));
}

#[test]
fn the_first_line_names_every_reason_against_a_model() {
    let first = |content: ArtifactContent| {
        let (html, card) = documents(content);
        let line = html.split("<p class=\"first\">").nth(1).unwrap().split("</p>").next().unwrap().to_owned();
        let bold = card.lines().nth(2).unwrap().trim_matches('*').replace('\\', "");
        assert_eq!(bold, line, "both documents say the same");
        let standing =
            html.split("<p class=\"standing\">Verdict: ").nth(1).unwrap().split('<').next().unwrap().to_owned();
        (line, standing)
    };
    let base_rate = "This model is no better than the base rate: giving all employees the same average risk would have done as well";
    let weak = |reasons: Vec<WeakReason>| {
        let mut content = company();
        content.metrics.verdict.publishable = false;
        content.metrics.verdict.allowed_weak = true;
        content.metrics.verdict.reasons = reasons;
        content
    };
    let few = WeakReason::FewEvents { least: 900 };
    let crowded = WeakReason::FewEventsPerParameter { least: 0.5 };
    for (content, starts, holds, standing) in [
        (company(), "This model tells leavers from stayers well.", "", "usable"),
        (weak(vec![WeakReason::NoBetterThanBaseRate]), base_rate, "Do not use it", "not usable"),
        (weak(vec![few.clone()]), "This model has learned from too few exits", "at least 900", "not usable"),
        (weak(vec![crowded.clone()]), "This model has too few exits for what", "9 effective parameters", "not usable"),
        (weak(vec![WeakReason::NoBetterThanBaseRate, few, crowded]), base_rate, "at least 900", "not usable"),
    ] {
        let (line, verdict) = first(content);
        assert!(line.starts_with(starts) && line.contains(holds), "{line}");
        assert_eq!(verdict, standing);
    }
    assert!(documents(weak(vec![WeakReason::NoBetterThanBaseRate])).0.contains("--allow-weak"));
    // Log-loss failed, ranking passed.
    let mut moved = company();
    let quality = &mut moved.metrics.horizon.as_mut().unwrap().quality;
    quality.log_loss = quality.log_loss_base_rate;
    let (line, verdict) = first(moved);
    assert!(line.starts_with("This model ranks well, but the level of risk moved"), "{line}");
    assert_eq!(verdict, "usable with care");
}

#[test]
fn suspicions_stand_first() {
    let mut content = company();
    let text = "suspected leak: `exit_form` almost tells who left; put it into drop".to_owned();
    let kind = GuardKind::SingleFeature;
    let features = vec!["exit_form".to_owned()];
    content.metrics.guards.push(Guard { kind, finding: GuardFinding::Suspected, count: 1, features, text });
    let duplicates = "4 rows equal another in every column".to_owned();
    content.metrics.guards.push(Guard {
        kind: GuardKind::ExactDuplicates,
        finding: GuardFinding::CannotTell,
        count: 4,
        features: Vec::new(),
        text: duplicates,
    });
    content.recurring = Some(Recurring {
        feature: 3,
        values: vec![0.8, 0.9],
        effects: vec![0.3, -0.2],
        variances: vec![0.02, 0.03],
        mean: 0.01,
        unseen_variance: 0.1,
    });
    let (html, card) = documents(content);
    let verdict = html.split("</section>").next().unwrap();
    for part in [
        "but perhaps only because exit_form gives the answer away",
        "Suspected leak: <code>exit_form</code> almost tells who left",
        "probably the same employee",
        "“group”",
        "employees whom it has seen already",
        "usable with care",
    ] {
        assert!(verdict.contains(part), "the verdict lacks: {part}");
    }
    assert!(card.contains("probably the same employee") && card.contains("suspected leak"));
    let guards = html.split("<ul class=\"guards\">").nth(1).unwrap().split("</ul>").next().unwrap();
    let places = ["suspected", "unsure", "kept"].map(|class| guards.find(&format!("class=\"{class}\"")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    assert!(!guards.contains("No column says whose row it is"), "what recurs contradicts it");
}

#[test]
fn a_confidential_answer_that_can_be_worked_out_is_cautioned_against() {
    let mut content = company();
    let told = "is the only feature from confidential answers".to_owned();
    let kind = GuardKind::ConfidentialAnswers;
    let (features, text) = (vec!["engagement_index".to_owned()], format!("`engagement_index` {told}"));
    content.metrics.guards.push(Guard { kind, finding: GuardFinding::Suspected, count: 1, features, text });
    let (html, card) = documents(content);
    assert!(
        html.contains("<p class=\"first\">This model tells leavers from stayers well.</p>"),
        "nothing is given away"
    );
    assert!(html.split("</section>").next().unwrap().contains(&told), "beside the verdict");
    assert!(html.contains("Verdict: usable with care") && card.contains(&told));
}

#[test]
fn a_biased_model_is_not_called_calibrated() {
    let mut content = flat();
    assert!(documents(flat()).0.contains("can be read as they stand"));
    let mut top = flat();
    let highest = top.metrics.rows.reliability.last_mut().unwrap();
    highest.observed = highest.predicted * 0.7;
    let (html, card) = documents(top);
    assert!(html.contains("<b>too high at the top</b>") && card.contains("but too high at the top"));
    for group in &mut content.metrics.rows.reliability {
        group.observed = group.predicted * 0.5;
    }
    content.metrics.rows.calibration_error = 0.08;
    let (html, card) = documents(content);
    assert!(
        html.contains("not well calibrated")
            && html.contains("<b>not calibrated</b>")
            && card.contains("not well calibrated")
    );
}

#[test]
fn names_from_the_data_stay_text() {
    let evil = "<img src=x onerror=alert(1)>\"'`|\n# x [a](javascript:1) </title></style><script>\u{202e}";
    let mut content = flat();
    add_levels(&mut content, evil, &[evil, "ok"], &[(0.3, 0.1, 0.5), (-0.3, 0.1, 0.5)]);
    add_number(&mut content, &format!("{evil}2"), 0.0, 10.0, &[(0.1, 0.1, 0.0)]);
    content.provenance.notes = vec![evil.to_owned()];
    content.provenance.config = format!("x = '''\n```\n{evil}\n'''");
    content.provenance.data_from = Some(evil.to_owned());
    if let flight_risk_scoring::artifact::Target::SinglePeriod { target, positive, .. } = &mut content.target {
        *target = evil.to_owned();
        *positive = evil.to_owned();
    }
    let artifact = artifact(content);
    let (html, card) = (report_html(&artifact), model_card(&artifact));
    well_formed(&html);
    assert!(!html.contains("<img") && !html.contains("<script") && html.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert_eq!(html.matches("</title></style>").count(), 0);
    assert!(!html.contains('\u{202e}') && !card.contains('\u{202e}'));
    let (prose, config) = card.split_once("````").unwrap();
    assert!(
        !prose.contains("<img") && !prose.contains("[a](") && config.contains("<img"),
        "only the fenced block is verbatim"
    );
    assert!(prose.lines().all(|line| !line.starts_with("# x")), "no heading of somebody else");
    let width = |line: &str| line.replace("\\|", "").matches('|').count();
    let widths: Vec<usize> =
        prose.lines().filter(|line| line.contains("onerror") && line.starts_with('|')).map(width).collect();
    assert_eq!(widths, [3, 9, 9, 3], "a bar in a name opens no cell");
}

#[test]
fn extreme_models_have_their_documents_too() {
    documents(flat());
    let mut one = flat();
    add_number(&mut one, "only", -f64::MAX, f64::MAX, &[(900.0, 800.0, 0.0), (-900.0, 800.0, 0.5)]);
    documents(one);
    let mut same = flat();
    add_number(&mut same, "constant", 3.0, 3.0, &[(0.0, 0.1, 0.0), (0.5, 0.1, 0.4)]);
    documents(same);
    let mut many = flat();
    for i in 0..200 {
        add_number(&mut many, &format!("column {i}"), 0.0, 1e-7, &[(0.001 * f64::from(i), 0.1, 0.0)]);
    }
    let (html, card) = documents(many);
    assert!(
        html.contains("160 weaker features") && html.matches("<article").count() == 200 && card.contains("column 199")
    );
    let names: Vec<String> = (0..60).map(|i| format!("level {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut levels = flat();
    add_levels(&mut levels, "site", &names, &[(0.1, 0.3, 1.0 / 60.0); 62]);
    let (html, _) = documents(levels);
    assert!(html.contains("47 more levels in the table") && html.contains(">level 59<"));
    let mut bare = company();
    bare.metrics.horizon = None;
    bare.metrics.rows.lift.clear();
    bare.metrics.rows.reliability.clear();
    bare.metrics.rows.roc.clear();
    bare.metrics.rows.precision_recall.clear();
    bare.metrics.rows.auc = None;
    bare.metrics.rows.average_precision = None;
    let (html, _) = documents(bare);
    assert!(html.contains("not defined") && html.contains("Too few employee-months"));
    let mut broken = company();
    let quality = &mut broken.metrics.rows;
    (quality.log_loss, quality.brier, quality.calibration_error) = (f64::NAN, f64::INFINITY, f64::NAN);
    quality.reliability.iter_mut().for_each(|group| group.observed = f64::NAN);
    quality.lift.iter_mut().for_each(|list| list.lift = f64::INFINITY);
    documents(broken);
    let mut perfect = company();
    for group in &mut perfect.metrics.rows.reliability {
        (group.predicted, group.observed) = (0.0, 0.0);
    }
    perfect.metrics.rows.observed_rate = 0.0;
    documents(perfect);
}

#[test]
fn every_chart_says_the_same_in_text() {
    let (html, _) = documents(company());
    let charts = html.matches("role=\"img\"").count();
    // Two judged sets of four, drivers, stability and backtest, a pair, rules.
    assert_eq!(charts, 8 + 1 + 2 + 1 + 1 + company().features.len());
    assert_eq!(html.matches("<summary>The same as a table</summary>").count(), charts);
    assert_eq!(html.matches("<desc").count(), charts);
    assert!(html.contains("lang=\"en\"") && html.contains("prefers-color-scheme:dark") && html.contains("size:A4"));
    let kinds =
        company().features.into_iter().filter(|f| f.confidential && matches!(f.kind, FeatureKind::Numeric { .. }));
    assert_eq!(kinds.count(), html.matches("from confidential answers</strong>").count());
}
