//! What every page shows around its own content: who is signed in, where one is, what just happened, which model speaks.
//!
//! A page's struct has a field `frame: Frame` and its template begins with `{% extends "base.html" %}`. The other types are
//! what the macros of `components.html` take. All text is plain; the templates escape it.

use flight_risk_proto::v1::RiskBand;

use crate::console::assets::STYLE_HREF;

/// What `base.html` needs of a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// The page's title, without the product's name.
    pub(crate) title: String,
    /// The main navigation, only what this role may open. Empty on the sign-in page.
    pub(crate) nav: Vec<NavItem>,
    /// The way here, outermost first; the page itself is not among them. Empty on the main pages.
    pub(crate) breadcrumbs: Vec<Crumb>,
    /// Who is signed in; nobody on the sign-in page.
    pub(crate) signed_in: Option<SignedIn>,
    /// The session's token against forged requests, for every form.
    pub(crate) csrf: String,
    /// What happened just now, shown once.
    pub(crate) notices: Vec<Notice>,
    /// Version of the active model; none when there is none.
    pub(crate) model_version: Option<String>,
}

impl Frame {
    /// Address of the style sheet.
    pub(crate) fn style(&self) -> &'static str {
        &STYLE_HREF
    }

    /// Whether who is signed in may open a page of the main navigation.
    pub(crate) fn leads_to(&self, href: &str) -> bool {
        self.nav.iter().any(|item| item.href == href)
    }
}

/// An item of the main navigation.
#[derive(Clone, Debug)]
pub(crate) struct NavItem {
    /// Its words.
    pub(crate) label: &'static str,
    /// Where it leads.
    pub(crate) href: &'static str,
    /// Whether the page is this one or below it.
    pub(crate) current: bool,
}

/// A page above this one.
#[derive(Clone, Debug)]
pub(crate) struct Crumb {
    /// Its title.
    pub(crate) label: String,
    /// Its address.
    pub(crate) href: String,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// The name to show.
    pub(crate) name: String,
    /// The role in words, such as "HR partner".
    pub(crate) role: String,
}

/// What kind of message it is. Each has its own sign, not only a colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoticeKind {
    /// Something to know.
    Info,
    /// It worked.
    Done,
    /// Something to beware of.
    Caution,
    /// It did not work.
    Error,
}

impl NoticeKind {
    /// The class of the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Done => "done",
            Self::Caution => "caution",
            Self::Error => "error",
        }
    }

    /// Whether it is read out at once.
    pub(crate) fn is_error(self) -> bool {
        self == Self::Error
    }

    /// What is read out before the text.
    pub(crate) fn spoken(self) -> &'static str {
        match self {
            Self::Info => "Note:",
            Self::Done => "Done:",
            Self::Caution => "Caution:",
            Self::Error => "Problem:",
        }
    }
}

/// A message on the page.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// Its kind.
    pub(crate) kind: NoticeKind,
    /// One line in bold; may be empty.
    pub(crate) title: String,
    /// What it says, and for an error what to do.
    pub(crate) text: String,
}

impl Notice {
    /// A message.
    pub(crate) fn new(kind: NoticeKind, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, title: title.into(), text: text.into() }
    }
}

/// How a risk is to be taken, as a badge: words and a shape of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Band {
    /// From 3 times the odds of the base rate.
    High,
    /// From 1.5 times the odds of the base rate.
    Elevated,
    /// Below that.
    Low,
    /// The model says that it does not know.
    NotScored,
}

impl Band {
    /// The band of the API.
    pub(crate) fn of(band: RiskBand) -> Self {
        match band {
            RiskBand::High => Self::High,
            RiskBand::Elevated => Self::Elevated,
            RiskBand::Low => Self::Low,
            RiskBand::Unspecified => Self::NotScored,
        }
    }

    /// Its words.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::High => "High",
            Self::Elevated => "Elevated",
            Self::Low => "Low",
            Self::NotScored => "Not scored",
        }
    }

    /// The class of the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::High => "band-high",
            Self::Elevated => "band-elevated",
            Self::Low => "band-low",
            Self::NotScored => "band-none",
        }
    }

    /// Its shape, as a path in a box of 10 by 10.
    pub(crate) fn shape(self) -> &'static str {
        match self {
            Self::High => "M5 .5 10 9.5H0z",
            Self::Elevated => "M5 0l5 5-5 5-5-5z",
            Self::Low => "M5 .5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
            Self::NotScored => "M1 1h8v8H1z",
        }
    }
}

/// A tab: a link to another view of the same page.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    /// Its words.
    pub(crate) label: String,
    /// How many there are behind it, if that helps.
    pub(crate) count: Option<String>,
    /// Its address.
    pub(crate) href: String,
    /// Whether it is the one that is shown.
    pub(crate) current: bool,
}

/// Links to the pages before and after.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pager {
    /// Where one is, such as "1 to 50 of 312".
    pub(crate) said: String,
    /// The first page, from one after it.
    pub(crate) first: Option<String>,
    /// The page before, as long as the address knows it: a list goes on from token to token, and they lead forwards.
    pub(crate) previous: Option<String>,
    /// The page after.
    pub(crate) next: Option<String>,
}

/// A form's field: what stands beside the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    /// Name and id of the input.
    pub(crate) name: String,
    /// Its label.
    pub(crate) label: String,
    /// What it holds now.
    pub(crate) value: String,
    /// How to fill it in; may be empty.
    pub(crate) hint: String,
    /// What is wrong with what was sent and what to do; none if nothing is.
    pub(crate) problem: Option<String>,
    /// Whether it may not be left empty.
    pub(crate) required: bool,
}

impl Field {
    /// Whether something is wrong with any of these.
    pub(crate) fn any_problem(fields: &[Self]) -> bool {
        fields.iter().any(|field| field.problem.is_some())
    }

    /// The ids of hint and problem, for `aria-describedby`; empty if there are none.
    pub(crate) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        if self.problem.is_some() {
            ids.push(format!("{}-problem", self.name));
        }
        ids.join(" ")
    }
}

/// A choice of a select field.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What is read.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

impl Choice {
    /// A choice, which is made where its value is `chosen`.
    pub(crate) fn of(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self { chosen: value == chosen, value, label: label.into() }
    }

    /// These choices, each a value and its label.
    pub(crate) fn all(options: &[(&str, &str)], chosen: &str) -> Vec<Self> {
        options.iter().map(|&(value, label)| Self::of(value, label, chosen)).collect()
    }
}
