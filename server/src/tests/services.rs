//! The model's description, health and reflection.

use flight_risk_proto::v1;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::fixture::{NATIVE, Served, flat, native};

#[tokio::test]
async fn the_active_model_is_described_without_confidential_values_and_without_its_configuration() {
    let server = Served::start(native()).await;
    let mut client = server.models().await;
    let version = native().artifact().model_version().to_owned();
    let mut models = Vec::new();
    for name in ["models/active".to_owned(), format!("models/{version}")] {
        models.push(client.get_model(v1::GetModelRequest { name }).await.unwrap().into_inner().model.unwrap());
    }
    assert_eq!(models[0], models[1]);
    let model = &models[0];
    assert_eq!((model.name.as_str(), model.version.as_str()), (format!("models/{version}").as_str(), version.as_str()));
    assert_eq!(model.schema_digest, native().schema().digest());
    assert_eq!(model.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), NATIVE);
    let (tenure, index) = (&model.features[0], &model.features[2]);
    assert_eq!((tenure.min, tenure.max, tenure.unit()), (Some(0.0), Some(40.0), v1::FeatureUnit::Years));
    assert!(index.confidential && index.min.is_none() && index.max.is_none() && index.typical.is_none());
    assert!(!format!("{model:?}").contains("not for clients"));
    let metrics = model.metrics.as_ref().unwrap();
    assert_eq!(metrics.rows.as_ref().unwrap().auc, Some(0.75));
    assert_eq!(metrics.rows.as_ref().unwrap().average_precision, None);
    assert_eq!(metrics.horizon.as_ref().unwrap().quality.as_ref().unwrap().lift[0].found, 8);
    let rates = &model.base_rates.as_ref().unwrap().horizons;
    assert_eq!(rates.iter().map(|r| r.months).collect::<Vec<_>>(), [3, 6, 12]);
}

#[tokio::test]
async fn a_flat_model_names_its_target_and_levels() {
    let server = Served::start(flat()).await;
    let request = v1::GetModelRequest { name: "models/active".into() };
    let model = server.models().await.get_model(request).await.unwrap().into_inner().model.unwrap();
    let Some(v1::model::Target::SinglePeriod(target)) = &model.target else { panic!("{:?}", model.target) };
    assert_eq!((target.target.as_str(), target.positive.as_str()), ("Attrition", "Yes"));
    assert_eq!(model.features[1].levels, ["Research", "Sales"]);
    assert_eq!(model.features[1].kind(), v1::FeatureKind::Categorical);
}

#[tokio::test]
async fn other_names_are_refused() {
    let server = Served::start(native()).await;
    let mut client = server.models().await;
    for (name, code) in [
        ("models/0123456789ab", Code::NotFound),
        ("models/", Code::InvalidArgument),
        ("models/../x", Code::InvalidArgument),
        ("active", Code::InvalidArgument),
        ("", Code::InvalidArgument),
    ] {
        let status = client.get_model(v1::GetModelRequest { name: name.into() }).await.unwrap_err();
        assert_eq!(status.code(), code, "{name}");
        assert!(status.get_details_error_info().is_some());
    }
}

#[tokio::test]
async fn health_is_serving_then_not_serving_and_watching_it_does_not_hold_the_end_up() {
    let mut server = Served::start(native()).await;
    let mut client = HealthClient::new(server.channel().await);
    for service in ["", "flightrisk.v1.ScoringService", "flightrisk.v1.ModelService"] {
        let reply = client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(reply.status(), ServingStatus::Serving, "{service}");
    }
    let unknown = client.check(HealthCheckRequest { service: "other".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopped = tokio::time::Instant::now();
    server.stop();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.end.await.unwrap().unwrap();
    assert!(stopped.elapsed() < std::time::Duration::from_secs(3), "{:?}", stopped.elapsed());
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let server = Served::start(native()).await;
    macro_rules! listed {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            let request = tonic_reflection::pb::$version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let mut client = ServerReflectionClient::new(server.channel().await);
            let replies = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
            let reply = replies.into_inner().next().await.unwrap().unwrap();
            let Some(MessageResponse::ListServicesResponse(list)) = reply.message_response else { panic!("no list") };
            list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
        }};
    }
    for services in [listed!(v1), listed!(v1alpha)] {
        for name in ["flightrisk.v1.ScoringService", "flightrisk.v1.ModelService", "grpc.health.v1.Health"] {
            assert!(services.iter().any(|service| service == name), "{services:?}");
        }
    }
}
