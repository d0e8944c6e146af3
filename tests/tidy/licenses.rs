//! Whether a license expression can be met with the licenses that are allowed (SPDX specification 2.3, annex D).

use std::collections::BTreeSet;

/// Whether some choice in the expression needs allowed licenses only. `A/B`, an old way to write `A OR B`, is understood.
pub(super) fn allows(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, allowed };
    let result = parser.either()?;
    if parser.tokens.is_empty() { Ok(result) } else { Err(format!("unexpected {:?}", parser.tokens)) }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.first() == Some(&token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut result = self.both()?;
        while self.take("OR") {
            result |= self.both()?;
        }
        Ok(result)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut result = self.one()?;
        while self.take("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let result = self.either()?;
            return if self.take(")") { Ok(result) } else { Err("a bracket is not closed".to_owned()) };
        }
        let license = self.next()?;
        let name = if self.take("WITH") { format!("{license} WITH {}", self.next()?) } else { license };
        Ok(self.allowed.contains(&name))
    }

    fn next(&mut self) -> Result<String, String> {
        let (first, rest) = self.tokens.split_first().ok_or("the expression ends too early")?;
        self.tokens = rest;
        Ok((*first).to_owned())
    }
}

#[test]
fn expressions_are_met_or_not() {
    let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND Unicode-3.0", true),
        ("GPL-3.0 OR MIT AND Unicode-3.0", true),
        ("GPL-3.0 AND MIT OR BSD-3-Clause", false),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
    ] {
        assert_eq!(allows(expression, &allowed), Ok(met), "{expression}");
    }
    for broken in ["", "(MIT", "MIT OR", "MIT MIT"] {
        assert!(allows(broken, &allowed).is_err(), "{broken}");
    }
}
