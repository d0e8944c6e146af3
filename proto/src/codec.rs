//! The codec of ScoringService: a request is decoded from one slice of bytes, and room is made for a whole reply.
//!
//! tonic hands a message out through an interface that may hold it in pieces, at the price of a call for each number of a row of
//! features. It always lies in one piece; read so, a row is decoded in a fraction of the time. A reply of many rows, on the other
//! hand, would be copied again and again by a buffer that grows while it is written.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Encodes `T` into one piece, decodes `U` from one slice.
#[derive(Debug)]
pub struct SliceCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SliceCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for SliceCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = WholeEncoder<T>;
    type Decoder = SliceDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        WholeEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        SliceDecoder(PhantomData)
    }
}

/// Encodes `T` into a buffer that has room for all of it.
#[derive(Debug)]
pub struct WholeEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for WholeEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.encoded_len());
        item.encode_raw(buffer);
        Ok(())
    }
}

/// Decodes `U` from one slice.
#[derive(Debug)]
pub struct SliceDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for SliceDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let length = buffer.remaining();
        let decoded = match buffer.chunk().get(..length) {
            Some(whole) => {
                let decoded = U::decode(whole);
                buffer.advance(length);
                decoded
            }
            None => U::decode(buffer),
        };
        // As tonic's own codec answers (gRPC, "Status codes": INTERNAL for a message that cannot be read).
        decoded.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
