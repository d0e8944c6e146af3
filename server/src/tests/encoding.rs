//! Replies that are written straight into bytes have the very bytes of the messages that they stand for.

use flight_risk_proto::v1;
use flight_risk_scoring::Scorer;
use prost::Message;
use rand::{Rng, SeedableRng};

use super::fixture::{flat, native, wide};
use crate::access::fields::FieldRules;
use crate::grpc::convert_score::{Told, outcome};
use crate::grpc::encode_score::{Heading, ShapeCache, score};

/// Every kind of value that a row can have, drawn at random.
fn values(scorer: &Scorer, random: &mut impl Rng) -> Vec<f64> {
    let value = |levels: usize, random: &mut _| {
        let random: &mut rand_chacha::ChaCha8Rng = random;
        match (random.random_range(0..6), levels) {
            (0, _) => f64::NAN,
            (_, 1..) => f64::from(random.random_range(0..=levels as u32)),
            (1, _) => 0.0,
            (2, _) => -0.0,
            (3, _) => f64::from(random.random_range(-3..60)),
            (_, _) => random.random_range(-1.0..40.0),
        }
    };
    let mut random = rand_chacha::ChaCha8Rng::from_rng(random);
    let levels = scorer.schema().features().iter().map(|feature| match &feature.kind {
        flight_risk_scoring::schema::FeatureKind::Categorical { levels, .. } => levels.len(),
        flight_risk_scoring::schema::FeatureKind::Numeric { .. } => 0,
    });
    levels.map(|levels| value(levels, &mut random)).collect()
}

#[test]
fn bytes_are_those_of_the_message() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let (mut answered, mut abstained) = (0, 0);
    for scorer in [native(), flat(), wide(30)] {
        let cache = ShapeCache::default();
        for round in 0..400 {
            let row = scorer.schema().packed_row(values(&scorer, &mut random)).unwrap();
            let assessment = scorer.score(&row);
            let max_factors = [0, 1, 2, 5, usize::MAX][round % 5];
            let fields = FieldRules { numbers: true, confidential_drivers: round % 2 == 0 };
            let (employee_id, request_id) = (format!("e-{round}"), ["", "r"][round % 2].to_owned());
            let told = outcome(&Told::by(&scorer, &row, &assessment), max_factors, fields);
            match &told {
                v1::employee_score::Outcome::Assessment(_) => answered += 1,
                v1::employee_score::Outcome::Abstention(_) => abstained += 1,
            }
            let message = v1::EmployeeScore {
                employee_id: employee_id.clone(),
                request_id: request_id.clone(),
                model_version: scorer.artifact().model_version().to_owned(),
                outcome: Some(told),
            };
            let shapes = cache.of(&scorer);
            let (employee_id, request_id) = (employee_id.as_str(), request_id.as_str());
            let heading = Heading { employee_id, request_id, max_factors, fields, shapes: &shapes };
            let bytes = score(&scorer, &row, &assessment, heading).score;
            assert_eq!(bytes, message.encode_to_vec(), "{:?}\n{message:?}", v1::EmployeeScore::decode(bytes.clone()));
        }
    }
    assert!(answered > 300 && abstained > 50, "{answered} {abstained}: both ways must be tried");
}
