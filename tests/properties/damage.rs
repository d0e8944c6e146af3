//! A model's file with any one byte changed, or cut anywhere, is refused.

use flight_risk_scoring::artifact::FILE_NAME;
use flight_risk_server::load_model;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{flight_risk, new_folder, sample_company, trained_flat_model, trained_model};

/// Positions tried at random, besides those of the envelope.
const POSITIONS: usize = 250;
/// Bytes at the beginning that are all tried: the envelope with format, version and digest.
const ENVELOPE: usize = 130;
/// Exit code for a model that is refused.
const EXIT_MODEL: i32 = 4;

#[test]
fn one_changed_byte_anywhere_is_refused() {
    for model in [trained_model(), trained_flat_model()] {
        let sound = std::fs::read(model.join(FILE_NAME)).unwrap();
        let folder = new_folder("damaged");
        let file = folder.join(FILE_NAME);
        std::fs::write(&file, &sound).unwrap();
        assert!(load_model(&folder).is_ok(), "the sound file is read");
        let mut random = ChaCha8Rng::seed_from_u64(17);
        let anywhere = std::iter::repeat_with(|| random.random_range(0..sound.len())).take(POSITIONS);
        let positions: Vec<usize> = (0..ENVELOPE).chain([sound.len() - 1, sound.len() - 2]).chain(anywhere).collect();
        for position in positions {
            // Another digit or letter most of the time, so that the file stays JSON; any other byte now and then.
            for changed in [sound[position] ^ 1, sound[position] ^ 0x20, random.random()] {
                if changed == sound[position] {
                    continue;
                }
                let mut bytes = sound.clone();
                bytes[position] = changed;
                std::fs::write(&file, &bytes).unwrap();
                let around =
                    String::from_utf8_lossy(&sound[position.saturating_sub(20)..(position + 20).min(sound.len())]);
                assert!(
                    load_model(&folder).is_err(),
                    "byte {position} ({around:?}) became {changed:#x} and was accepted"
                );
            }
        }
        for _ in 0..20 {
            std::fs::write(&file, &sound[..random.random_range(0..sound.len())]).unwrap();
            assert!(load_model(&folder).is_err(), "a file cut short was accepted");
        }
        for more in [&b" "[..], b"\n", b"x", b"{}"] {
            std::fs::write(&file, [&sound, more].concat()).unwrap();
            assert!(load_model(&folder).is_err(), "{more:?} after the end was accepted");
        }
    }
}

#[test]
fn the_command_says_that_the_model_was_altered() {
    let text = std::fs::read_to_string(trained_model().join(FILE_NAME)).unwrap();
    let folder = new_folder("altered");
    let altered = text.replacen("\"intercept\":-", "\"intercept\":", 1);
    assert_ne!(text, altered, "the intercept of a rare event is negative");
    std::fs::write(folder.join(FILE_NAME), altered).unwrap();
    let [model, data] = [folder.to_str().unwrap(), sample_company().to_str().unwrap()];
    let out = folder.join("scores.csv");
    let output = flight_risk(["score", "--model", model, "--data", data, "--out", out.to_str().unwrap()]);
    assert_eq!(output.code, Some(EXIT_MODEL), "{}", output.stderr);
    assert!(output.stderr.contains("altered") && output.stderr.contains("SHA-256"), "{}", output.stderr);
    assert!(!out.exists(), "nothing is written");
}
