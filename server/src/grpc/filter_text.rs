//! A filter's text taken apart: words, quoted texts and signs, each with the number of its first character.

use std::iter::Peekable;
use std::str::Chars;

use crate::grpc::filter::FilterError;

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, a number, or a text that needs no quotes.
    Word(String),
    /// A text in quotes, single or double; `\` before a quote, a `*` or a `\` stands for it.
    Quoted {
        /// The text.
        text: String,
        /// Whether a `*` without a `\` before it is its last character.
        star: bool,
    },
    /// What compares.
    Sign(&'static str),
}

/// Takes a text apart.
///
/// # Errors
/// Quotes that are not closed, and characters that belong nowhere.
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = Pieces { chars: text.chars().peekable(), position: 1 };
    while let Some(&first) = rest.chars.peek() {
        let position = rest.position;
        let token = match first {
            _ if first.is_whitespace() => {
                rest.next();
                continue;
            }
            '"' | '\'' => rest.quoted(first)?,
            '=' | '!' | '<' | '>' => Token::Sign(rest.sign()?),
            _ if is_word(first) => {
                let mut word = String::new();
                while let Some(&next) = rest.chars.peek().filter(|next| is_word(**next)) {
                    word.push(next);
                    rest.next();
                }
                Token::Word(word)
            }
            '(' | ')' => return Err(FilterError::at(position, "parentheses are not supported")),
            _ => return Err(FilterError::at(position, "a text with such a character must stand in quotes")),
        };
        tokens.push((position, token));
    }
    Ok(tokens)
}

/// Whether a character can be part of a text without quotes: identifiers, numbers, dates and times.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '+')
}

struct Pieces<'a> {
    chars: Peekable<Chars<'a>>,
    position: usize,
}

impl Pieces<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.position += usize::from(next.is_some());
        next
    }

    fn quoted(&mut self, quote: char) -> Result<Token, FilterError> {
        let start = self.position;
        let unclosed = || FilterError::at(start, format!("the quote {quote} is not closed"));
        self.next();
        let (mut text, mut star) = (String::new(), false);
        loop {
            let position = self.position;
            match self.next().ok_or_else(unclosed)? {
                end if end == quote => return Ok(Token::Quoted { text, star }),
                '\\' => match self.next().ok_or_else(unclosed)? {
                    escaped @ ('"' | '\'' | '*' | '\\') => {
                        text.push(escaped);
                        star = false;
                    }
                    _ => return Err(FilterError::at(position, "after \\ a quote, a * or another \\ belongs")),
                },
                // PostgreSQL has no such character in its texts.
                '\0' => return Err(FilterError::at(position, "a text cannot have this character")),
                other => {
                    text.push(other);
                    star = other == '*';
                }
            }
        }
    }

    fn sign(&mut self) -> Result<&'static str, FilterError> {
        let position = self.position;
        let first = self.next();
        let or_equal = self.chars.peek() == Some(&'=') && first != Some('=');
        if or_equal {
            self.next();
        }
        Ok(match (first, or_equal) {
            (Some('='), _) => "=",
            (Some('<'), false) => "<",
            (Some('<'), true) => "<=",
            (Some('>'), false) => ">",
            (Some('>'), true) => ">=",
            (_, true) => "!=",
            _ => return Err(FilterError::at(position, "= belongs after !")),
        })
    }
}
