//! 500 hostile texts: what would run, load or fake something if a page took it for anything but text.

/// How many there are.
pub(crate) const COUNT: usize = 500;

/// What a script that runs would leave behind: a mark on the window, wherever in the page it is.
const MARK: &str = "top.hostile=1";

/// What would have to be closed before, depending on where the text stands: in an element, an attribute, a comment, a script.
const BREAKS: [&str; 16] = [
    "",
    "\">",
    "'>",
    "\"/>",
    "</td></tr></table>",
    "</title>",
    "</textarea>",
    "</option></select>",
    "-->",
    "</script>",
    "</style>",
    "</svg>",
    "]]>",
    "</noscript>",
    "</a></p></main>",
    "\" x=\"",
];

/// What would run. `$` stands for the mark.
const SCRIPTS: [&str; 30] = [
    "<script>$</script>",
    "<SCRIPT SRC=data:,$></SCRIPT>",
    "<scr<script>ipt>$</scr</script>ipt>",
    "<img src=x onerror=$>",
    "<img/src=`x`onerror=$//",
    "<image href=x onerror=$>",
    "<svg onload=$>",
    "<svg/onload=$//",
    "<svg><script>$</script></svg>",
    "<svg><animate onbegin=$ attributeName=x dur=1s>",
    "<svg><a href=javascript:$><text y=20>x</text></a>",
    "<math><mtext><table><mglyph><style><img src=x onerror=$>",
    "<iframe src=javascript:$>",
    "<iframe srcdoc='<script>$</script>'>",
    "<object data=javascript:$>",
    "<embed src=javascript:$>",
    "<details open ontoggle=$>x</details>",
    "<input autofocus onfocus=$>",
    "<select autofocus onfocus=$>",
    "<video><source onerror=$></video>",
    "<audio src=x onerror=$>",
    "<marquee onstart=$>x</marquee>",
    "<body onload=$>",
    "<style onload=$></style>",
    "<link rel=stylesheet href=x onerror=$>",
    "<meta http-equiv=refresh content='0;url=javascript:$'>",
    "<form action=javascript:$><button autofocus>x</button></form>",
    "<xss autofocus tabindex=1 onfocus=$>",
    "<template><script>$</script></template>",
    "<a href=javascript:$ autofocus>x</a>",
];

/// What does something by itself, wherever it stands.
const ALONE: [&str; 60] = [
    "\" onmouseover=$ x=\"",
    "' onfocus=$ autofocus x='",
    " onload=$ ",
    "\" style=\"background:url(javascript:$)",
    "\" autofocus onfocus=\"$",
    "`-$-`",
    "javascript:$",
    "JaVaScRiPt:$",
    "java&#09;script:$",
    "&#106;avascript:$",
    "javascript&colon;$",
    "//evil.example/x.js",
    "https://evil.example/",
    "data:text/html,<script>$</script>",
    "data:text/html;base64,PHNjcmlwdD50b3AuaG9zdGlsZT0xPC9zY3JpcHQ+",
    "vbscript:msgbox(1)",
    "{{7*7}}",
    "{{constructor.constructor('$')()}}",
    "{% raw %}{{ 7 }}{% endraw %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "[[${7*7}]]",
    "{{{$}}}",
    "&lt;script&gt;$&lt;/script&gt;",
    "&#60;script&#62;$&#60;/script&#62;",
    "&#x3c;img src=x onerror=$&#x3e;",
    "&amp;lt;b&amp;gt;",
    "&quot;&gt;&lt;svg onload=$&gt;",
    "&",
    "&nbsp",
    "&notanentity;",
    "%3Cscript%3E$%3C/script%3E",
    "\\u003cscript\\u003e$\\u003c/script\\u003e",
    "\\\";$;//",
    "'-$-'",
    "'; DROP TABLE users; --",
    "x' OR '1'='1",
    "＜script＞$＜/script＞",
    "<ſcript>$</ſcript>",
    "\u{2028}$\u{2029}",
    "\u{202e}>1=elitsoh.pot<",
    "\u{feff}<script>$</script>",
    "a\u{200b}<b>b</b>",
    "<b>bold</b>",
    "<!--",
    "<![CDATA[<script>$</script>]]>",
    "<?xml version=\"1.0\"?><x/>",
    "<plaintext>",
    "<base href=//evil.example/>",
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "=cmd|' /C calc'!A0",
    "expression($)",
    "*/$/*",
    "../../../../etc/passwd",
    "a/b?c=d#e",
];

/// All of them, each once, always the same.
pub(crate) fn payloads() -> Vec<String> {
    let mut all: Vec<String> = ALONE.iter().map(|text| text.replace('$', MARK)).collect();
    for opening in BREAKS {
        all.extend(SCRIPTS.iter().map(|script| format!("{opening}{}", script.replace('$', MARK))));
    }
    all.truncate(COUNT);
    all
}

#[test]
fn there_are_as_many_as_is_said_and_no_two_are_the_same() {
    let all = payloads();
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), different.len()), (COUNT, COUNT));
    assert!(all.iter().all(|text| text.len() < 200 && !text.chars().any(char::is_control)), "they can be recorded");
}
