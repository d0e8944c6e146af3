//! The reference of the API, `proto/API.md`: generated from the comments of the .proto files and the policy table.

use std::fmt::Write as _;
use std::path::Path;

use prost_types::{DescriptorProto, EnumDescriptorProto};

use super::descriptors::{Declared, File, files, label_of, named, type_of};
use crate::access::policy::policy;

/// Set to write the reference instead of comparing with it.
const BLESS: &str = "FLIGHT_RISK_BLESS";

const HEAD: &str = "\
<!-- Generated from the comments of the .proto files; FLIGHT_RISK_BLESS=1 cargo test --workspace writes it anew. -->
# API reference

Package `flightrisk.v1`. [README.md](README.md) tells how to begin, the errors and the limits; [examples/](examples) has programs.
What is not said to be required may be left out. Roles are those of the key or token; `purpose` means that the call must say
why, and that it is written to the audit log.
";

fn reference() -> String {
    let files = files();
    let mut out = HEAD.to_owned();
    for file in &files {
        for (index, service) in file.services().enumerate() {
            write!(out, "\n## {}\n\n{}\n", service.it.name(), paragraphs(service.comment)).unwrap();
            write_methods(&mut out, file, index);
        }
    }
    out.push_str("\n## Messages\n");
    let mut sections: Vec<(String, String)> = files.iter().flat_map(messages).collect();
    sections.sort();
    out.extend(sections.into_iter().map(|(_, text)| text));
    out.push_str("\n## Enums\n");
    let mut sections: Vec<(String, String)> = files.iter().flat_map(enums).collect();
    sections.sort();
    out.extend(sections.into_iter().map(|(_, text)| text));
    out
}

fn write_methods(out: &mut String, file: &File, service: usize) {
    let service_name = file.descriptor.service[service].name();
    for method in file.methods(service) {
        let stream = |streaming: bool| if streaming { "stream of " } else { "" };
        let (input, output) = (named(method.it.input_type()), named(method.it.output_type()));
        let policy = policy(&format!("flightrisk.v1.{service_name}/{}", method.it.name())).unwrap();
        let roles: Vec<&str> = policy.roles.iter().map(|role| role.name()).collect();
        write!(
            out,
            "\n### {service_name}.{}\n\n{}\n\nRequest: {}{}. Response: {}{}. Roles: {}{}.\n",
            method.it.name(),
            paragraphs(method.comment),
            stream(method.it.client_streaming()),
            link(input),
            stream(method.it.server_streaming()),
            link(output),
            roles.join(", "),
            if policy.about_people { "; purpose" } else { "" },
        )
        .unwrap();
    }
}

/// Every message of a file: its name and its section.
fn messages(file: &File) -> Vec<(String, String)> {
    let section = |(index, message): (usize, Declared<'_, DescriptorProto>)| {
        let mut text = format!("\n### {}\n\n{}\n", message.it.name(), paragraphs(message.comment));
        let mut fields = file.fields(index).peekable();
        if fields.peek().is_some() {
            text.push_str("\n| field | type | no. | what |\n|---|---|---|---|\n");
        }
        for field in fields {
            let one_of = field.it.oneof_index.filter(|_| !field.it.proto3_optional());
            let one_of = one_of.map(|index| &message.it.oneof_decl[usize::try_from(index).unwrap()]);
            let one_of = one_of.map(|one_of| format!("One of `{}`. ", one_of.name())).unwrap_or_default();
            let (name, number) = (field.it.name(), field.it.number());
            let kind = format!("{}{}", label_of(field.it), link(&type_of(field.it)));
            writeln!(text, "| `{name}` | {kind} | {number} | {one_of}{} |", cell(field.comment)).unwrap();
        }
        (message.it.name().to_owned(), text)
    };
    file.messages().enumerate().map(section).collect()
}

/// Every enum of a file: its name and its section.
fn enums(file: &File) -> Vec<(String, String)> {
    let section = |(index, of): (usize, Declared<'_, EnumDescriptorProto>)| {
        let mut text = format!("\n### {}\n\n{}\n", of.it.name(), paragraphs(of.comment));
        text.push_str("\n| value | no. | what |\n|---|---|---|\n");
        for value in file.values(index) {
            writeln!(text, "| `{}` | {} | {} |", value.it.name(), value.it.number(), cell(value.comment)).unwrap();
        }
        (of.it.name().to_owned(), text)
    };
    file.enums().enumerate().map(section).collect()
}

/// A type of ours with a link to its section; any other as it is.
fn link(name: &str) -> String {
    let ours = name.starts_with(char::is_uppercase);
    if ours { format!("[{name}](#{})", name.to_lowercase()) } else { format!("`{name}`") }
}

fn lines(comment: &str) -> impl Iterator<Item = &str> {
    comment.lines().map(str::trim)
}

/// A comment with its paragraphs.
fn paragraphs(comment: &str) -> String {
    lines(comment).collect::<Vec<_>>().join("\n")
}

/// A comment in a cell of a table.
fn cell(comment: &str) -> String {
    lines(comment).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn the_reference_is_what_the_proto_files_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/API.md");
    let generated = reference();
    for expected in
        ["### RiskService.GetEmployeeRisk\n", "Roles: hris, hr_partner", "\n### EmployeeHistory\n", "One of `subject`"]
    {
        assert!(generated.contains(expected), "{expected:?} is missing");
    }
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "proto/API.md is out of date: run the tests with {BLESS}=1 to write it");
}

#[test]
fn everything_in_the_api_has_a_comment() {
    let mut silent = Vec::new();
    let mut heard = |name: &str, comment: &str| {
        if !comment.ends_with(['.', ')', ':']) {
            silent.push(format!("{name}: {comment:?}"));
        }
    };
    for file in files() {
        for (index, service) in file.services().enumerate() {
            heard(service.it.name(), service.comment);
            file.methods(index).for_each(|method| heard(method.it.name(), method.comment));
        }
        for (index, message) in file.messages().enumerate() {
            heard(message.it.name(), message.comment);
            file.fields(index).for_each(|field| heard(field.it.name(), field.comment));
        }
        for (index, of) in file.enums().enumerate() {
            heard(of.it.name(), of.comment);
            file.values(index).for_each(|value| heard(value.it.name(), value.comment));
        }
    }
    assert!(silent.is_empty(), "no comment, or no whole sentence: {silent:#?}");
}
