//! The API as its descriptors tell it, with the comments of the .proto files.

use std::collections::HashMap;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use prost_types::{MethodDescriptorProto, ServiceDescriptorProto};

/// Numbers of fields of descriptor.proto, of which the paths of comments are made.
const MESSAGES: i32 = 4;
const ENUMS: i32 = 5;
const SERVICES: i32 = 6;
const MEMBERS: i32 = 2;

/// A file of our package.
pub(super) struct File {
    pub(super) descriptor: FileDescriptorProto,
    comments: HashMap<Vec<i32>, String>,
}

/// The files of our package, by name.
pub(super) fn files() -> Vec<File> {
    let set = FileDescriptorSet::decode(flight_risk_proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.into_iter().filter(|file| file.package() == "flightrisk.v1");
    let mut files: Vec<File> = ours
        .map(|descriptor| {
            let locations = descriptor.source_code_info.iter().flat_map(|info| &info.location);
            let comments =
                locations.map(|location| (location.path.clone(), location.leading_comments().to_owned())).collect();
            File { comments, descriptor }
        })
        .collect();
    files.sort_by(|a, b| a.descriptor.name().cmp(b.descriptor.name()));
    assert!(files.len() >= 12, "the files are not all seen");
    files
}

/// Something declared, and the comment before it.
pub(super) struct Declared<'a, T> {
    pub(super) it: &'a T,
    pub(super) comment: &'a str,
}

impl File {
    fn declared<'a, T>(&'a self, items: &'a [T], path: Vec<i32>) -> impl Iterator<Item = Declared<'a, T>> {
        (0..).zip(items).map(move |(index, it)| {
            let path = [path.as_slice(), &[index]].concat();
            Declared { it, comment: self.comments.get(&path).map_or("", |comment| comment.trim()) }
        })
    }

    fn members<'a, T>(&'a self, kind: i32, index: usize, items: &'a [T]) -> impl Iterator<Item = Declared<'a, T>> {
        self.declared(items, vec![kind, i32::try_from(index).unwrap(), MEMBERS])
    }

    pub(super) fn services(&self) -> impl Iterator<Item = Declared<'_, ServiceDescriptorProto>> {
        self.declared(&self.descriptor.service, vec![SERVICES])
    }

    pub(super) fn methods(&self, service: usize) -> impl Iterator<Item = Declared<'_, MethodDescriptorProto>> {
        self.members(SERVICES, service, &self.descriptor.service[service].method)
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = Declared<'_, DescriptorProto>> {
        let messages = &self.descriptor.message_type;
        assert!(
            messages.iter().all(|m| m.nested_type.is_empty() && m.enum_type.is_empty()),
            "nested types are not told"
        );
        self.declared(messages, vec![MESSAGES])
    }

    pub(super) fn fields(&self, message: usize) -> impl Iterator<Item = Declared<'_, FieldDescriptorProto>> {
        self.members(MESSAGES, message, &self.descriptor.message_type[message].field)
    }

    pub(super) fn enums(&self) -> impl Iterator<Item = Declared<'_, EnumDescriptorProto>> {
        self.declared(&self.descriptor.enum_type, vec![ENUMS])
    }

    pub(super) fn values(
        &self,
        of: usize,
    ) -> impl Iterator<Item = Declared<'_, prost_types::EnumValueDescriptorProto>> {
        self.members(ENUMS, of, &self.descriptor.enum_type[of].value)
    }
}

/// The type of a field as the .proto file writes it, without its package if it is ours.
pub(super) fn type_of(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => named(field.type_name()).to_owned(),
        other => other.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

/// The name of a type, without its package if it is ours.
pub(super) fn named(full: &str) -> &str {
    let full = full.trim_start_matches('.');
    full.strip_prefix("flightrisk.v1.").unwrap_or(full)
}

/// What stands before the type: `repeated`, `optional`, or nothing.
pub(super) fn label_of(field: &FieldDescriptorProto) -> &'static str {
    if field.label() == Label::Repeated {
        "repeated "
    } else if field.proto3_optional() {
        "optional "
    } else {
        ""
    }
}
