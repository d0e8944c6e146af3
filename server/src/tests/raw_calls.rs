//! Calls of any method by its name, with messages made from the descriptors: what must hold of the whole API is asked of every
//! method, those of tomorrow included.

use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::bytes::{Buf, BufMut};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use super::descriptors::{File, files, named};
use super::endings::Patient;
use super::fixture::Served;

/// A method and its messages.
pub(super) struct Method {
    /// `package.Service/Method`.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) request: DescriptorProto,
    pub(super) response: DescriptorProto,
    pub(super) streams_out: bool,
}

/// Every method of our package.
pub(super) fn methods() -> Vec<Method> {
    let files = files();
    let message = |full: &str| -> DescriptorProto {
        let mut messages = files.iter().flat_map(|file| &file.descriptor.message_type);
        messages.find(|message| message.name() == named(full)).unwrap().clone()
    };
    let of = |file: &File| -> Vec<Method> {
        let mut found = Vec::new();
        for service in &file.descriptor.service {
            found.extend(service.method.iter().map(|method| Method {
                path: format!("flightrisk.v1.{}/{}", service.name(), method.name()),
                name: method.name().to_owned(),
                request: message(method.input_type()),
                response: message(method.output_type()),
                streams_out: method.server_streaming(),
            }));
        }
        found
    };
    let methods: Vec<Method> = files.iter().flat_map(of).collect();
    assert!(methods.len() >= 28, "the methods are not all seen");
    methods
}

/// The field of a message.
pub(super) fn field<'a>(message: &'a DescriptorProto, name: &str) -> Option<&'a FieldDescriptorProto> {
    message.field.iter().find(|field| field.name() == name)
}

/// A message that is made field by field.
pub(super) struct Made<'a> {
    message: &'a DescriptorProto,
    bytes: Vec<u8>,
}

impl<'a> Made<'a> {
    pub(super) fn of(message: &'a DescriptorProto) -> Self {
        Self { message, bytes: Vec::new() }
    }

    fn tag(&self, name: &str) -> Option<u32> {
        field(self.message, name).map(|field| u32::try_from(field.number()).unwrap())
    }

    /// Sets a number, if there is such a field.
    pub(super) fn int(mut self, name: &str, value: i32) -> Self {
        if let Some(tag) = self.tag(name) {
            prost::encoding::int32::encode(tag, &value, &mut self.bytes);
        }
        self
    }

    /// Sets a text, if there is such a field.
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        if let Some(tag) = self.tag(name) {
            prost::encoding::string::encode(tag, &value.to_owned(), &mut self.bytes);
        }
        self
    }

    /// Sets every text of the message itself.
    pub(super) fn every_text(self, value: &str) -> Self {
        let texts = self.message.field.iter().filter(|field| field.r#type() == Type::String);
        texts.fold(self, |made, field| made.text(field.name(), value))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Sends one message to a method; the first message of the answer, or the error.
pub(super) async fn call(
    server: &Served,
    method: &Method,
    message: Vec<u8>,
    headers: &[(&'static str, &str)],
) -> Result<Option<Vec<u8>>, Status> {
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let origin = format!("http://{}", server.address).parse().unwrap();
    let mut client = Grpc::with_origin(Patient(sender), origin);
    let mut request = Request::new(tokio_stream::once(message));
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    client.ready().await.unwrap();
    let path = format!("/{}", method.path).parse().unwrap();
    let answer = match client.streaming(request, path, Raw).await {
        Ok(response) => response.into_inner().message().await,
        Err(status) => Err(status),
    };
    connection.abort();
    answer
}

/// Messages as their bytes: every method can be called in the same way.
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}
