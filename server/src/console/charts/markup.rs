//! Markup that is known to be well-formed, because only this module's pieces make it.

use std::fmt::{self, Write as _};

/// Trusted markup: a template writes it as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Markup(String);

impl Markup {
    /// The markup as text.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Every text that enters markup goes through `Html::text`, `Html::attribute` or `escape`.
impl askama::filters::HtmlSafe for Markup {}

impl askama::FastWritable for Markup {
    fn write_into(&self, out: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(out.write_str(&self.0)?)
    }
}

/// Markup in the making.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Markup written here in the source: no text from outside.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Markup made before.
    pub(super) fn markup(&mut self, markup: &Markup) -> &mut Self {
        self.0.push_str(&markup.0);
        self
    }

    /// Any text, escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, text);
        self
    }

    /// An element with a class and any text.
    pub(super) fn element(&mut self, tag: &'static str, class: &'static str, text: &str) -> &mut Self {
        let _ = write!(self.0, "<{tag}");
        self.attribute("class", class);
        self.0.push('>');
        self.text(text);
        let _ = write!(self.0, "</{tag}>");
        self
    }

    /// Shapes made of numbers alone.
    pub(super) fn drawn(&mut self, shapes: &str) -> &mut Self {
        self.0.push_str(shapes);
        self
    }

    /// An attribute with any text; none if the text is empty.
    pub(super) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        if !value.is_empty() {
            let _ = write!(self.0, " {name}=\"");
            escape(&mut self.0, value);
            self.0.push('"');
        }
        self
    }

    /// An attribute with a number, rounded to hundredths.
    pub(super) fn number(&mut self, name: &'static str, value: f64) -> &mut Self {
        let _ = write!(self.0, " {name}=\"{}\"", plain(value));
        self
    }

    /// An attribute with a share of the width, from 0 to 1.
    pub(super) fn share(&mut self, name: &'static str, share: f64) -> &mut Self {
        let _ = write!(self.0, " {name}=\"{}%\"", plain(100.0 * share));
        self
    }

    /// The markup.
    pub(super) fn finish(self) -> Markup {
        Markup(self.0)
    }
}

/// A number with at most two decimals.
pub(super) fn plain(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Appends a text in which nothing is markup. Characters that XML has no place for become spaces.
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
}
