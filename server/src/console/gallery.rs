//! All components and charts on one page, with made-up figures, for looking at:
//!
//! ```text
//! FLIGHT_RISK_GALLERY=/tmp/gallery cargo test -p flight-risk-server --lib -- --ignored gallery
//! ```

use askama::Template;

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
        pager: Pager { said: "51 to 100 of 312".into(), previous: Some("#".into()), next: Some("#".into()) },
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
    }
}

#[test]
#[ignore = "writes files for looking at"]
fn gallery_is_written() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::var("FLIGHT_RISK_GALLERY").unwrap_or_else(|_| "target/gallery".into());
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let page = gallery().render()?.replace("/assets/style.css", "style.css");
    std::fs::write(folder.join("gallery.html"), page)?;
    std::fs::write(folder.join("style.css"), include_str!("assets/style.css"))?;
    Ok(())
}
