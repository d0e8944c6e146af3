//! All components and charts on one page, with made-up figures, for looking at:
//!
//! ```text
//! FLIGHT_RISK_GALLERY=/tmp/gallery cargo test -p flight-risk-server --lib -- --ignored gallery
//! ```

use askama::Template;

use super::charts::{
    Against, Categories, Chart, Curve, CurvePoint, Estimate, Group, GroupFigures, Groups, Heat, HeatColumn, HeatMap,
    HeatRow, HiddenRows, History, HistoryPoint, Horizon, Horizons, Level, Lift, Markup, ModelChange, Real, Reliability,
    ReliabilityBin, Share, Step, Trend, TrendMonth, Waterfall, Whisker,
};
use super::frame::{Band, Choice, Crumb, Field, Frame, NavItem, Notice, NoticeKind, Pager, SignedIn, Tab};

/// The page.
#[derive(Template)]
#[template(path = "gallery.html")]
struct Gallery {
    frame: Frame,
    bands: [Band; 4],
    notices: Vec<Notice>,
    tabs: Vec<Tab>,
    pager: Pager,
    fields: Vec<Field>,
    choices: Vec<Choice>,
    whiskers: Vec<Whisker>,
}

/// The charts.
#[derive(Template)]
#[template(path = "gallery_charts.html")]
struct ChartGallery {
    frame: Frame,
    figures: Vec<Markup>,
}

fn share(value: f64) -> Share {
    Share::new(value).expect("a number")
}

fn real(value: f64) -> Real {
    Real::new(value).expect("a number")
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate::new(value, low, high).expect("numbers")
}

fn waterfall() -> Waterfall {
    let step = |label: &str, detail: &str, contribution, actionable| Step {
        label: label.into(),
        detail: detail.into(),
        contribution: real(contribution),
        actionable,
    };
    Waterfall {
        title: "Why this person".into(),
        from: "Typical here".into(),
        from_value: "11\u{a0}%".into(),
        steps: vec![
            step("Time since the last one-on-one", "94 days; typical 12", 0.82, true),
            step("Pay against the range\u{2019}s midpoint", "87\u{a0}%; typical 100\u{a0}%", 0.51, true),
            step("Teammates who left in the last 135 days", "3; typical none", 0.34, false),
            step("Years here", "6.5; typical 3.1", -0.45, false),
            step("Recognition received in 180 days", "4; typical 1", -0.18, true),
            step("Moves in 24 months", "none; typical none", 0.01, false),
        ],
        rest: Some(("Confidential survey answers, not itemised".into(), real(0.22))),
        to: "This person".into(),
        to_value: "34\u{a0}%".into(),
    }
}

fn horizons() -> Horizons {
    let horizon = |months, risk, low, high, base, team| Horizon {
        months,
        risk: estimate(risk, low, high),
        base_rate: Some(share(base)),
        team: Some(share(team)),
    };
    Horizons {
        title: "Risk within 3, 6 and 12 months".into(),
        horizons: vec![
            horizon(3, 0.11, 0.07, 0.17, 0.03, 0.04),
            horizon(6, 0.2, 0.13, 0.3, 0.06, 0.08),
            horizon(12, 0.34, 0.22, 0.48, 0.11, 0.15),
        ],
    }
}

fn history() -> History {
    let risks = [0.12, 0.13, 0.13, 0.15, 0.14, 0.19, 0.22, 0.27, 0.29, 0.34];
    let months = ["Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"];
    let points = risks.iter().zip(months).zip(0..).map(|((risk, month), place)| HistoryPoint {
        day: 30 * place,
        label: format!("1 {month} 2026"),
        risk: (place != 3).then(|| estimate(*risk, risk * 0.65, risk * 1.45)),
        note: if place == 5 { "a teammate left".into() } else { String::new() },
    });
    History {
        title: "How the score moved".into(),
        points: points.collect(),
        models: vec![ModelChange { day: 165, label: "model 2026-07-15.91bc from 15 Jul 2026".into() }],
    }
}

fn curve() -> Curve {
    let points = (0..=40).map(|place| {
        let years = 0.5 * f64::from(place);
        let effect = 0.9 * (-years / 3.0).exp() - 0.35 + 0.012 * years;
        let doubt = 0.08 + 0.02 * (years - 5.0).abs();
        CurvePoint { at: real(years), effect: estimate(effect, effect - doubt, effect + doubt) }
    });
    Curve {
        title: "Years here".into(),
        across: "years here".into(),
        points: points.collect(),
        unknown: Some(estimate(0.2, -0.1, 0.5)),
    }
}

fn categories() -> Categories {
    let level = |label: &str, value: f64, doubt, people| Level {
        label: label.into(),
        effect: estimate(value, value - doubt, value + doubt),
        people: Some(people),
    };
    Categories {
        title: "Location".into(),
        levels: vec![
            level("North", 0.52, 0.2, 412),
            level("South, including the two workshops near the harbour", 0.11, 0.12, 1_204),
            level("Remote", -0.31, 0.35, 88),
        ],
    }
}

fn reliability() -> Reliability {
    let bin = |predicted, observed: f64, doubt: f64, people| ReliabilityBin {
        predicted: share(predicted),
        observed: estimate(observed, (observed - doubt).max(0.0), observed + doubt),
        people,
    };
    Reliability {
        title: "Did predictions come true?".into(),
        bins: vec![
            bin(0.02, 0.018, 0.006, 2_210),
            bin(0.06, 0.055, 0.015, 1_105),
            bin(0.12, 0.14, 0.03, 540),
            bin(0.21, 0.19, 0.05, 260),
            bin(0.33, 0.36, 0.08, 120),
            bin(0.52, 0.47, 0.13, 41),
        ],
    }
}

fn trend() -> Trend {
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = |(place, name): (usize, &str)| TrendMonth {
        label: format!("{name} 2026"),
        mean_risk: (place != 4).then(|| share(0.09 + 0.004 * place as f64 + if place % 3 == 0 { 0.006 } else { 0.0 })),
        exits: (place < 10).then_some([3, 5, 2, 4, 7, 3, 0, 6, 4, 8, 0, 0][place]),
    };
    Trend { title: "Mean risk by month".into(), months: names.into_iter().enumerate().map(month).collect() }
}

fn heat_map() -> HeatMap {
    let cell = |left: u32, expected: f64| Heat::Shown {
        ratio: real(f64::from(left) / expected),
        text: format!("{left} left, {expected:.0} expected"),
        note: format!("mean risk {:.0}\u{a0}%", expected / 1.3),
        href: Some("#".into()),
    };
    let column = |label: &str| HeatColumn { label: label.into(), against: Against::Expected };
    let hidden = || Heat::Hidden { reason: "fewer than 10 people".into() };
    let row = |label: &str, cells| HeatRow { label: label.into(), note: String::new(), href: Some("#".into()), cells };
    HeatMap {
        title: "Left against expected, by department and years here".into(),
        rows_are: "Department".into(),
        columns: ["Under 1 year", "1 to 3", "3 to 5", "5 to 10", "Over 10"].map(column).to_vec(),
        rows: vec![
            row(
                "Customer operations and field services",
                vec![cell(24, 11.0), cell(18, 12.0), cell(9, 8.0), cell(6, 6.2), cell(2, 4.1)],
            ),
            row("Engineering", vec![cell(5, 6.0), cell(8, 8.1), cell(3, 5.0), hidden(), cell(1, 3.0)]),
            row("Finance", vec![hidden(), hidden(), cell(4, 3.3), Heat::Empty, hidden()]),
        ],
        hidden: Some(HiddenRows { label: "2 more groups".into(), reason: "fewer than 10 people".into() }),
    }
}

fn groups() -> Groups {
    let group = |label: &str, people, observed: f64, doubt: f64, expected| Group {
        label: label.into(),
        figures: Ok(GroupFigures {
            people,
            observed: estimate(observed, (observed - doubt).max(0.0), observed + doubt),
            expected: share(expected),
        }),
    };
    Groups {
        title: "Departments".into(),
        groups: vec![
            group("Customer operations and field services", 410, 0.19, 0.03, 0.12),
            group("Engineering", 366, 0.08, 0.025, 0.1),
            group("Human resources", 41, 0.1, 0.08, 0.09),
            Group { label: "Legal".into(), figures: Err("not shown: fewer than 10 people".into()) },
        ],
    }
}

fn lift() -> Lift {
    Lift { title: "If you talk to 20 people".into(), listed: 20, expected: 9, likely: Some((6, 12)), by_chance: 2 }
}

fn gallery() -> Gallery {
    let item = |label, href| NavItem { label, href, current: label == "At risk" };
    Gallery {
        frame: Frame {
            title: "Gallery".into(),
            nav: vec![
                item("At risk", "/at-risk"),
                item("Hot spots", "/hot-spots"),
                item("Drivers", "/drivers"),
                item("Actions", "/actions"),
                item("Model", "/model"),
                item("Privacy & audit", "/privacy"),
            ],
            breadcrumbs: vec![
                Crumb { label: "At risk".into(), href: "/at-risk".into() },
                Crumb { label: "Customer operations <north>".into(), href: "/at-risk?department=1".into() },
            ],
            signed_in: Some(SignedIn { name: "demo-partner".into(), role: "HR partner".into() }),
            csrf: "token".into(),
            notices: vec![Notice::new(NoticeKind::Done, "", "The action is planned; it is due on 6 December.")],
            model_version: Some("2026-11-22.3f9a".into()),
        },
        bands: [Band::High, Band::Elevated, Band::Low, Band::NotScored],
        notices: vec![
            Notice::new(
                NoticeKind::Info,
                "Scores are from 1 November",
                "They are renewed every night. Ask your integrator if they stay as they are.",
            ),
            Notice::new(
                NoticeKind::Caution,
                "This is no proof",
                "People who were talked to differ from those who were not in more than the talk.",
            ),
            Notice::new(
                NoticeKind::Error,
                "The export was not made",
                "The disk is full. Ask whoever runs the server to make room, then try again.",
            ),
        ],
        tabs: vec![
            Tab { label: "At risk".into(), count: Some("312".into()), href: "#".into(), current: true },
            Tab { label: "Not scored".into(), count: Some("14".into()), href: "#".into(), current: false },
            Tab { label: "Out of date".into(), count: Some("3".into()), href: "#".into(), current: false },
        ],
        pager: Pager {
            said: "51 to 100 of 312".into(),
            first: Some("#".into()),
            previous: Some("#".into()),
            next: Some("#".into()),
        },
        fields: vec![
            Field {
                name: "owner".into(),
                label: "Who does it".into(),
                value: "demo-partner".into(),
                hint: "Name or e-mail, at most 100 characters.".into(),
                ..Field::default()
            },
            Field {
                name: "due".into(),
                label: "Until when".into(),
                value: "2025-01-01".into(),
                problem: Some("this day is past; choose today or later".into()),
                required: true,
                ..Field::default()
            },
            Field { name: "note".into(), label: "Note".into(), ..Field::default() },
            Field { name: "kind".into(), label: "Kind of action".into(), ..Field::default() },
        ],
        choices: vec![
            Choice { value: "talk".into(), label: "Stay interview".into(), chosen: true },
            Choice { value: "pay".into(), label: "Pay review".into(), chosen: false },
        ],
        whiskers: [(0.34, 0.22, 0.48), (0.22, 0.15, 0.31), (0.04, 0.02, 0.07), (0.09, 0.03, 0.2)]
            .map(|(value, low, high)| Whisker {
                risk: estimate(value, low, high),
                base_rate: share(0.11),
                most: share(0.48),
            })
            .to_vec(),
    }
}

/// Charts of what is rare, long or too much.
fn odd_charts(frame: Frame) -> ChartGallery {
    let long = "Verylongnamewithoutanyspaceandwithoutanendinsight-".repeat(3);
    let mut many = waterfall();
    many.title = format!("Many factors, {long}");
    many.steps = (0..30)
        .map(|place| Step {
            label: if place % 4 == 0 { long.clone() } else { format!("Factor {place}") },
            detail: long.clone(),
            contribution: real(if place % 3 == 0 { -0.3 } else { 0.5 } * 0.9_f64.powi(place)),
            actionable: place % 2 == 0,
        })
        .collect();
    let mut one = history();
    one.points.truncate(1);
    one.models.clear();
    let mut daily = history();
    daily.points = (0..400)
        .map(|day| HistoryPoint {
            day,
            label: format!("day {day}"),
            risk: Some(estimate(0.2 + 0.1 * (f64::from(day) / 40.0).sin(), 0.05, 0.4)),
            note: String::new(),
        })
        .collect();
    daily.models = (0..6).map(|n| ModelChange { day: 60 * n, label: format!("model {n}") }).collect();
    let mut years = trend();
    years.months = (0..36)
        .map(|n| TrendMonth { label: format!("Month {n}"), mean_risk: Some(share(0.004)), exits: Some(n * n) })
        .collect();
    let mut groups = groups();
    for group in &mut groups.groups {
        group.label = format!("{} {long}", group.label);
    }
    let flat = Horizons {
        title: "Certain".into(),
        horizons: vec![
            Horizon { months: 3, risk: estimate(0.0, 0.0, 0.0), base_rate: None, team: None },
            Horizon { months: 12, risk: estimate(1.0, 0.2, 1.0), base_rate: Some(share(0.5)), team: Some(share(1.0)) },
        ],
    };
    let tiny = Curve {
        title: "Hardly any effect".into(),
        across: "annual pay in thousands of the local currency, before tax".into(),
        points: [20_000.0, 180_000.0, 1_250_000.0]
            .map(|at| CurvePoint { at: real(at), effect: estimate(0.01, -0.04, 0.03) })
            .to_vec(),
        unknown: None,
    };
    let huge = Categories {
        title: "Far apart".into(),
        levels: vec![
            Level { label: long.clone(), effect: estimate(4.0, 1.0, 9.0), people: None },
            Level { label: "b".into(), effect: estimate(-3.0, -8.0, 1.0), people: Some(1) },
        ],
    };
    let list = Lift { title: "A long list".into(), listed: 1_000, expected: 431, likely: None, by_chance: 110 };
    let mut heat = heat_map();
    let columns = (0..12).map(|n| HeatColumn { label: format!("Column {n}"), against: Against::Everybody });
    heat.columns.extend(columns);
    heat.rows.iter_mut().for_each(|row| row.label = format!("{} {long}", row.label));
    ChartGallery {
        frame,
        figures: [&many as &dyn Chart, &one, &daily, &years, &groups, &flat, &tiny, &huge, &list, &heat]
            .map(Chart::figure)
            .to_vec(),
    }
}

fn charts(frame: Frame) -> ChartGallery {
    ChartGallery {
        frame,
        figures: [
            &waterfall() as &dyn Chart,
            &horizons(),
            &history(),
            &lift(),
            &reliability(),
            &trend(),
            &curve(),
            &categories(),
            &groups(),
            &heat_map(),
        ]
        .map(Chart::figure)
        .to_vec(),
    }
}

#[test]
#[ignore = "writes files for looking at"]
fn gallery_is_written() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::var("FLIGHT_RISK_GALLERY").unwrap_or_else(|_| "target/gallery".into());
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let components = gallery();
    let style = components.frame.style();
    for (name, page) in [
        ("components.html", components.render()?),
        ("charts.html", charts(components.frame.clone()).render()?),
        ("odd.html", odd_charts(components.frame).render()?),
    ] {
        std::fs::write(folder.join(name), page.replace(style, "style.css"))?;
    }
    std::fs::write(folder.join("style.css"), include_str!("assets/style.css"))?;
    Ok(())
}
