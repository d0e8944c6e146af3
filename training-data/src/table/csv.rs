//! CSV: the layout is checked here, to the line; the cells are then read by polars, all of them as text.
//!
//! polars pads short rows, cuts the sense of stray quotes by where its threads happen to split the file, and names no
//! lines. So one pass over the bytes comes first, which finds the separator, the header and everything that is not
//! laid out as RFC 4180 says. What then reaches polars is plain: quotes closed, no blank lines, `\n` at every end.

use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use polars_core::prelude::{Column, DataFrame, DataType, Field, Schema, StringChunked};
use polars_io::SerReader;
use polars_io::prelude::{CsvParseOptions, CsvReadOptions};

use super::{LineIndex, Parts, TableColumn, TableProblem, Values};
use crate::cell::{Cell, trim};

/// Ragged rows named in the message.
const RAGGED_SHOWN: usize = 5;

pub(super) fn read(bytes: Vec<u8>) -> Result<Parts, TableProblem> {
    check_encoding(&bytes)?;
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    if bytes.contains(&b'\r') && !bytes.contains(&b'\n') {
        return Err(TableProblem::CarriageReturns);
    }
    let separator = find_separator(bytes.get(start..).unwrap_or_default());
    let mut records = Records { bytes: &bytes, at: start, line: 1, separator };
    let header = records.next_record()?.ok_or(TableProblem::Empty)?;
    let names = header_names(&bytes, &header, separator)?;
    let mut layout = Layout { first_byte: records.at, ..Layout::default() };
    layout.scan(&mut records, names.len())?;
    if layout.rows == 0 {
        let columns = names.into_iter().map(|name| text_column(name, StringChunked::default())).collect();
        return Ok(Parts { rows: 0, columns, lines: layout.lines });
    }
    let (first_byte, rows) = (layout.first_byte, layout.rows);
    let plain = if layout.plain { bytes } else { layout.cleaned(&bytes, separator)? };
    let first_byte = if layout.plain { first_byte } else { 0 };
    let frame = parse(plain.get(first_byte..).unwrap_or_default(), separator, names.len())?;
    if frame.height() != rows {
        let reason = format!("{rows} rows were counted but {} parsed", frame.height());
        return Err(TableProblem::Unreadable { format: "CSV", reason });
    }
    drop(plain);
    let mut columns = Vec::with_capacity(names.len());
    for (i, (name, column)) in names.into_iter().zip(frame.into_columns()).enumerate() {
        let values = strings(&column)?;
        if !name.is_empty() {
            columns.push(text_column(name, values));
        } else if values.iter().flatten().any(|text| !Cell::from_text(text).is_blank()) {
            return Err(TableProblem::UnnamedColumn(i + 1));
        }
    }
    Ok(Parts { rows, columns, lines: layout.lines })
}

fn text_column(name: String, values: StringChunked) -> TableColumn {
    TableColumn { name, values: Values::Text(values) }
}

fn strings(column: &Column) -> Result<StringChunked, TableProblem> {
    column.str().map(|values| values.rechunk().into_owned()).map_err(unreadable)
}

fn unreadable(error: polars_core::error::PolarsError) -> TableProblem {
    TableProblem::Unreadable { format: "CSV", reason: error.to_string() }
}

fn parse(body: &[u8], separator: u8, width: usize) -> Result<DataFrame, TableProblem> {
    // Names by position: the real ones may repeat, which is reported later and in our words.
    let schema: Schema = (0..width).map(|i| Field::new(i.to_string().into(), DataType::String)).collect();
    let options = CsvReadOptions {
        has_header: false,
        schema: Some(Arc::new(schema)),
        infer_schema_length: Some(0),
        parse_options: Arc::new(CsvParseOptions { separator, ..CsvParseOptions::default() }),
        ..CsvReadOptions::default()
    };
    options.into_reader_with_file_handle(Cursor::new(body)).finish().map_err(unreadable)
}

fn check_encoding(bytes: &[u8]) -> Result<(), TableProblem> {
    for (start, format) in [
        (&b"PK\x03\x04"[..], "an Excel workbook or another zip archive"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook"),
        (b"PAR1", "a Parquet file named .csv"),
        (b"\xFF\xFE", "in UTF-16"),
        (b"\xFE\xFF", "in UTF-16"),
        (b"\x1F\x8B", "compressed with gzip"),
    ] {
        if bytes.starts_with(start) {
            return Err(TableProblem::OtherFormat(format));
        }
    }
    std::str::from_utf8(bytes).map(drop).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        TableProblem::NotUtf8 { line: 1 + before.iter().filter(|&&b| b == b'\n').count() }
    })
}

/// The separator is the one that occurs most in the header line, quoted fields aside.
fn find_separator(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let mut text = false;
    for &byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && text => break,
            _ if quoted => {}
            _ => {
                text |= !byte.is_ascii_whitespace();
                for (separator, count) in &mut counts {
                    *count += usize::from(*separator == byte);
                }
            }
        }
    }
    // The first of equals is the comma.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |&(separator, _)| separator)
}

fn header_names(bytes: &[u8], header: &Record, separator: u8) -> Result<Vec<String>, TableProblem> {
    let line = bytes.get(header.content.clone()).unwrap_or_default();
    let mut names = Vec::with_capacity(header.fields);
    let mut at = 0;
    for _ in 0..header.fields {
        let field = field_at(line, at, separator).unwrap_or(at..line.len());
        let raw = String::from_utf8_lossy(line.get(field.clone()).unwrap_or_default());
        let unquoted = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).map(|r| r.replace("\"\"", "\""));
        names.push(trim(unquoted.as_deref().unwrap_or(&raw)).to_owned());
        at = field.end + 1;
    }
    let data = |name: &String| {
        let cell = Cell::from_text(name);
        cell.is_blank() || cell.number().is_ok() || cell.day().is_ok()
    };
    if names.iter().all(data) {
        let shown: String = String::from_utf8_lossy(line).chars().take(60).collect();
        return Err(TableProblem::NoHeader(shown));
    }
    Ok(names)
}

/// One row of the file.
struct Record {
    /// Its bytes, without the line's end.
    content: Range<usize>,
    fields: usize,
    /// The line on which it starts, from 1.
    line: usize,
    /// Whether it ended in `\n` alone.
    plain_end: bool,
}

/// Walks over the rows of a file, blank lines left out.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    separator: u8,
}

/// The end of the field that starts at `at`, which may be quoted; `None` when a quote is out of place.
fn field_at(bytes: &[u8], at: usize, separator: u8) -> Option<Range<usize>> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.first() == Some(&b'"') {
        let mut i = 1;
        loop {
            i += rest.get(i..)?.iter().position(|&b| b == b'"')?;
            if rest.get(i + 1) != Some(&b'"') {
                break;
            }
            i += 2;
        }
        let end = i + 1;
        let closed = match rest.get(end) {
            None | Some(b'\n') => true,
            Some(b'\r') => matches!(rest.get(end + 1), None | Some(b'\n')),
            Some(&byte) => byte == separator,
        };
        return closed.then_some(at..at + end);
    }
    let mut even = true;
    let mut end = rest.len();
    for (i, &byte) in rest.iter().enumerate() {
        if byte == separator || byte == b'\n' {
            end = i;
            break;
        }
        even ^= byte == b'"';
    }
    if rest.get(end) != Some(&separator) && end > 0 && rest.get(end - 1) == Some(&b'\r') {
        end -= 1;
    }
    even.then_some(at..at + end)
}

impl Records<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, TableProblem> {
        loop {
            let (start, line) = (self.at, self.line);
            if start >= self.bytes.len() {
                return Ok(None);
            }
            let mut fields = 0;
            let end = loop {
                let field = field_at(self.bytes, self.at, self.separator).ok_or(TableProblem::StrayQuote { line })?;
                if self.bytes.get(field.start) == Some(&b'"') {
                    let within = self.bytes.get(field.clone()).unwrap_or_default();
                    self.line += within.iter().filter(|&&b| b == b'\n').count();
                }
                fields += 1;
                self.at = field.end + 1;
                if self.bytes.get(field.end) != Some(&self.separator) {
                    break field.end;
                }
            };
            let return_first = self.bytes.get(end) == Some(&b'\r');
            self.at = end + 1 + usize::from(return_first);
            self.line += 1;
            let content = start..end;
            let blank = fields == 1 && self.bytes.get(content.clone()).unwrap_or_default().iter().all(|&b| b == b' ');
            if !blank {
                let plain_end = !return_first && self.bytes.get(end) == Some(&b'\n');
                return Ok(Some(Record { content, fields, line, plain_end }));
            }
        }
    }
}

/// What one pass over the rows finds.
#[derive(Default)]
struct Layout {
    first_byte: usize,
    rows: usize,
    lines: LineIndex,
    /// Whether polars can read the bytes as they are.
    plain: bool,
}

impl Layout {
    fn scan(&mut self, records: &mut Records<'_>, expected: usize) -> Result<(), TableProblem> {
        let (mut count, mut ragged) = (0, Vec::new());
        self.plain = true;
        let mut next = self.first_byte;
        while let Some(record) = records.next_record()? {
            if record.fields != expected {
                count += 1;
                if ragged.len() < RAGGED_SHOWN {
                    ragged.push((record.line, record.fields));
                }
            }
            self.lines.push(self.rows, record.line);
            self.rows += 1;
            self.plain &= record.plain_end && record.content.start == next;
            next = records.at;
        }
        self.plain &= next >= records.bytes.len();
        if count > 0 {
            return Err(TableProblem::Ragged { expected, count, lines: ragged });
        }
        Ok(())
    }

    /// The rows with one `\n` after each and nothing between them.
    fn cleaned(&self, bytes: &[u8], separator: u8) -> Result<Vec<u8>, TableProblem> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut records = Records { bytes, at: self.first_byte, line: 1, separator };
        while let Some(record) = records.next_record()? {
            clean.extend_from_slice(bytes.get(record.content).unwrap_or_default());
            clean.push(b'\n');
        }
        Ok(clean)
    }
}
