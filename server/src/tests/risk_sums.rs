//! The sums that are kept beside the scores against adding the scores up, whatever came in between.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::databases::each_store;
use super::fixture::native;
use super::risk::{record, with_risk};
use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::store::exits::{NewExit, report_exit, withdraw_exit};
use crate::store::{NewScore, OrgFacts, Store, Telling};

type Sums = BTreeMap<(String, String), (i64, i64)>;

async fn kept(store: &Store) -> Sums {
    let sql = "SELECT department, location, employees, parts FROM risk_sums";
    let rows = store.db().query(sql, vec![]).await.unwrap();
    let sum = |row: &crate::store::db::Row| {
        ((row.text(0).unwrap(), row.text(1).unwrap()), (row.int(2).unwrap(), row.int(3).unwrap()))
    };
    rows.iter().map(sum).collect()
}

/// The same, and the risks themselves, from the scores.
async fn added_up(store: &Store) -> (Sums, Vec<(OrgFacts, f64)>) {
    let sql =
        "SELECT department, location, manager_id, risk FROM scores WHERE to_seq = 9223372036854775807 AND risk >= 0";
    let (mut sums, mut risks) = (Sums::new(), Vec::new());
    for row in store.db().query(sql, vec![]).await.unwrap() {
        let [department, location, manager_id] = [0, 1, 2].map(|column| row.opt_text(column).unwrap());
        let risk = row.real(3).unwrap();
        let group = (department.clone().unwrap_or_default(), location.clone().unwrap_or_default());
        let (employees, parts) = sums.entry(group).or_default();
        *employees += 1;
        *parts += (risk * 1e11).round() as i64;
        risks.push((OrgFacts { department, location, manager_id, ..OrgFacts::default() }, risk));
    }
    (sums, risks)
}

#[tokio::test]
async fn the_sums_are_those_of_the_scores_in_force_after_any_history() {
    each_store(async |store| {
        let scorer = native();
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let who = |rng: &mut ChaCha8Rng| format!("e-{}", rng.random_range(0..60));
        let mut seen = [0; 4];
        for step in 0..90 {
            let now = now_micros();
            let kind = rng.random_range(0..10);
            match kind {
                0 => {
                    let employee = who(&mut rng);
                    let day = "2024-06-30".parse::<flight_risk_scoring::Day>().unwrap();
                    let day = day.plus_days(rng.random_range(0..50));
                    let exit = NewExit { employee_id: &employee, day, exit_type: 1, at: now };
                    let mut tx = store.db().begin().await.unwrap();
                    report_exit(&mut tx, &exit).await.unwrap();
                    // Somebody else's was reported in error, or nobody's.
                    withdraw_exit(&mut tx, &who(&mut rng), now, Telling::default()).await.unwrap();
                    tx.commit().await.unwrap();
                    seen[1] += 1;
                }
                1 => {
                    // Managers are employees too: their reports' scores change, but not where they count.
                    store.erase(&who(&mut rng)).await.unwrap();
                    seen[2] += 1;
                }
                2 => {
                    let days = rng.random_range(5..12);
                    seen[3] += store.delete_expired(now, days).await.unwrap();
                }
                _ => {
                    let scores: Vec<NewScore> = (0..rng.random_range(1..40))
                        .map(|_| {
                            let text = |rng: &mut ChaCha8Rng, texts: &[&str]| {
                                Some(texts.choose(rng).unwrap().to_string()).filter(|text| !text.is_empty())
                            };
                            let org = OrgFacts {
                                department: text(&mut rng, &["Sales", "Legal", "Ops", ""]),
                                location: text(&mut rng, &["Oslo", "Rome", ""]),
                                manager_id: text(&mut rng, &["e-1", "e-2", ""]),
                                ..OrgFacts::default()
                            };
                            let risk = if rng.random_bool(0.1) { -1.0 } else { rng.random_range(0.0..1.0) };
                            let score = with_risk(&scorer, &who(&mut rng), risk, org);
                            NewScore {
                                as_of: score.as_of.plus_days(rng.random_range(0..60)),
                                scored_at: now - rng.random_range(0..10) * MICROS_PER_DAY,
                                ..score
                            }
                        })
                        .collect();
                    record(&store, &scorer, &scores).await;
                    seen[0] += scores.len();
                }
            }
            let (sums, risks) = added_up(&store).await;
            assert_eq!(kept(&store).await, sums, "step {step}, of kind {kind}");
            let units = |departments: &[&str], locations: &[&str]| Scope::Units {
                departments: departments.iter().map(|text| (*text).to_owned()).collect(),
                locations: locations.iter().map(|text| (*text).to_owned()).collect(),
            };
            for scope in [
                Scope::All,
                units(&["Sales", "Ops"], &[]),
                units(&["Legal"], &["Rome"]),
                units(&["Nowhere"], &[]),
                Scope::Reports { manager_id: "e-1".into() },
            ] {
                let covered = risks.iter().filter(|(org, _)| scope.covers(org.place()));
                let plain: f64 = covered.map(|(_, risk)| risk).sum();
                let told = store.expected_leavers(&scope).await.unwrap();
                assert!((told - plain).abs() < 1e-8, "step {step}: {scope:?}: {told} {plain}");
            }
        }
        assert!(seen.iter().all(|&count| count > 5), "{seen:?}: the test shows nothing");
        assert!(!kept(&store).await.is_empty());
    })
    .await;
}
