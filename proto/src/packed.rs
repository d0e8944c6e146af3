//! The values of a row, packed: the one message that is read for every employee and is nearly all numbers.
//!
//! The generated code reads the numbers one by one into a list that grows. All of them are there at once, so they are taken at once.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, decode_varint, double, skip_field, string};
use prost::{DecodeError, Message};

/// Values in the order of the model's features, with the digest of that order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedValues {
    /// One value per feature, in order. NaN where the value is not known; for a categorical feature, the index of the level.
    pub values: Vec<f64>,
    /// The schema's digest.
    pub schema_digest: String,
}

/// Field numbers (feature_row.proto); a test holds them against the descriptors.
const VALUES: u32 = 1;
const SCHEMA_DIGEST: u32 = 2;

impl PackedValues {
    /// Takes all numbers of a packed field if they lie before us in one piece; whether it did.
    fn take(&mut self, buffer: &mut impl Buf) -> bool {
        let mut rest = buffer.chunk();
        let before = rest.len();
        let Some(length) = decode_varint(&mut rest).ok().and_then(|length| usize::try_from(length).ok()) else {
            return false;
        };
        let Some((numbers, [])) = rest.get(..length).map(<[u8]>::as_chunks) else { return false };
        self.values.extend(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        let used = before - rest.len() + length;
        buffer.advance(used);
        true
    }
}

impl Message for PackedValues {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        double::encode_packed(VALUES, &self.values, buffer);
        if !self.schema_digest.is_empty() {
            string::encode(SCHEMA_DIGEST, &self.schema_digest, buffer);
        }
    }

    fn merge_field(
        &mut self,
        number: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match number {
            VALUES if wire_type == WireType::LengthDelimited && self.take(buffer) => Ok(()),
            // One by one where they were not packed, and what is wrong is told as of every other message.
            VALUES => double::merge_repeated(wire_type, &mut self.values, buffer, context),
            SCHEMA_DIGEST => string::merge(wire_type, &mut self.schema_digest, buffer, context),
            _ => skip_field(wire_type, number, buffer, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let digest =
            if self.schema_digest.is_empty() { 0 } else { string::encoded_len(SCHEMA_DIGEST, &self.schema_digest) };
        double::encoded_len_packed(VALUES, &self.values) + digest
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use prost_types::FileDescriptorSet;

    use super::*;

    /// The same message as the generated code would be.
    #[derive(Clone, PartialEq, Message)]
    struct Generated {
        #[prost(double, repeated, tag = "1")]
        values: Vec<f64>,
        #[prost(string, tag = "2")]
        schema_digest: String,
    }

    #[test]
    fn the_message_has_these_fields_and_no_others() {
        let set = FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).unwrap();
        let messages = set.file.iter().flat_map(|file| &file.message_type);
        let message = messages.into_iter().find(|message| message.name() == "PackedValues").unwrap();
        let mut fields: Vec<_> =
            message.field.iter().map(|field| (field.name(), field.number(), field.r#type())).collect();
        fields.sort_unstable();
        use prost_types::field_descriptor_proto::Type;
        assert_eq!(fields, [("schema_digest", 2, Type::String), ("values", 1, Type::Double)]);
    }

    #[test]
    fn bytes_are_those_of_the_generated_code_and_read_as_it_reads_them() {
        let numbers = [1.5, -0.0, f64::MAX, 7.0, f64::INFINITY, 0.25];
        for count in 0..=numbers.len() {
            for digest in ["", "0123"] {
                let (values, schema_digest) = (numbers[..count].to_vec(), digest.to_owned());
                let generated = Generated { values: values.clone(), schema_digest: schema_digest.clone() };
                let own = PackedValues { values, schema_digest };
                let bytes = generated.encode_to_vec();
                assert_eq!((own.encode_to_vec(), own.encoded_len()), (bytes.clone(), bytes.len()));
                assert_eq!(PackedValues::decode(bytes.as_slice()).unwrap(), own);
                // In pieces, twice over, and cut off anywhere.
                let (a, b) = bytes.split_at(bytes.len() / 2);
                assert_eq!(PackedValues::decode(a.chain(b)).unwrap(), own);
                let twice = [bytes.as_slice(), &bytes].concat();
                let (ours, theirs) = (PackedValues::decode(&*twice).unwrap(), Generated::decode(&*twice).unwrap());
                assert_eq!((ours.values, ours.schema_digest), (theirs.values, theirs.schema_digest));
                for end in 0..bytes.len() {
                    let (ours, theirs) = (PackedValues::decode(&bytes[..end]), Generated::decode(&bytes[..end]));
                    assert_eq!(ours.is_err(), theirs.is_err(), "{end} of {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_packed_unknown_or_wrong_is_read_as_the_generated_code_reads_it() {
        let one_by_one = [&[9][..], &1.5_f64.to_le_bytes(), &[9], &2.5_f64.to_le_bytes()].concat();
        assert_eq!(PackedValues::decode(&*one_by_one).unwrap().values, [1.5, 2.5]);
        // A number that is cut off, a length beyond the end, a huge one, another type of field, another field.
        let cases: [&[u8]; 6] = [
            &[10, 4, 0, 0, 0, 0],
            &[10, 16, 0],
            &[10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            &[8, 1],
            &[18, 1, 255],
            &[26, 1, 0],
        ];
        for bytes in cases {
            assert_eq!(PackedValues::decode(bytes).is_err(), Generated::decode(bytes).is_err(), "{bytes:?}");
        }
        assert!(PackedValues::decode(cases[5]).is_ok());
    }
}
