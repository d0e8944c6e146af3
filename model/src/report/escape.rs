//! Text of users inside HTML and Markdown: it shows as the text that it is, whatever it holds.

/// Text that neither breaks a line nor turns the reading direction: control and direction characters are shown as `�`.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Text for HTML content and quoted attributes.
pub(super) fn html(text: &str) -> String {
    escape_html(&visible(text))
}

/// Text of several lines for HTML content.
pub(super) fn html_lines(text: &str) -> String {
    text.lines().map(html).collect::<Vec<_>>().join("\n")
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text for a paragraph, list or table cell of Markdown.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // Renderers turn a bare address into a link; this one is somebody's text.
    out.replace("://", "&#58;//").replace('@', "&#64;").replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
}

/// A name as code in Markdown, where that is safe inside a table.
pub(super) fn markdown_code(text: &str) -> String {
    let plain =
        !text.trim().is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'));
    if plain { format!("`{text}`") } else { markdown(text) }
}

/// A block of Markdown that shows text as it stands, inside a fence that the text cannot close.
pub(super) fn markdown_block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.trim_end().lines().map(visible).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// The first `length` characters, with `…` where something is cut off.
pub(super) fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_acts() {
        for (text, in_html, in_markdown) in [
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"),
            ("\" onload='x'", "&quot; onload=&#39;x&#39;", "\" onload='x'"),
            ("a|b\nc", "a|b\u{fffd}c", "a\\|b\u{fffd}c"),
            ("![i](http://x)", "![i](http://x)", "\\!\\[i\\](http&#58;//x)"),
            ("\u{202e}exe", "\u{fffd}exe", "\u{fffd}exe"),
            ("&lt;", "&amp;lt;", "&amp;lt;"),
        ] {
            assert_eq!(html(text), in_html);
            assert_eq!(markdown(text), in_markdown);
        }
        assert_eq!(markdown_block("toml", "a\n````\nb"), "`````toml\na\n````\nb\n`````\n");
        assert_eq!((markdown_code("a_b"), markdown_code("`|")), ("`a_b`".to_owned(), "\\`\\|".to_owned()));
        assert_eq!(shortened("überlang", 5), "über…");
    }
}
