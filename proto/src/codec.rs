//! The codec of ScoringService: a request is decoded from one slice of bytes.
//!
//! tonic hands a message out through an interface that may hold it in pieces, at the price of a call for each number of a row of
//! features. It always lies in one piece; read so, a row is decoded in a fraction of the time.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

/// Encodes `T` as prost does, decodes `U` from one slice.
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
    type Encoder = ProstEncoder<T>;
    type Decoder = SliceDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        SliceDecoder(PhantomData)
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
