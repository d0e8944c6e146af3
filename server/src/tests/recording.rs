//! Scores in the store: what is read back, what replaces what, what is told of it, and what expires.

use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Assessment, Day, Probability, Scorer};

use super::databases::each_store;
use super::fixture::native;
use crate::clock::MICROS_PER_DAY;
use crate::store::changes::{Point, Told, judged};
use crate::store::db::params;
use crate::store::exits::{NewExit, report_exit};
use crate::store::stored_score::IN_FORCE;
use crate::store::{ChangeKind, NewScore, OrgFacts, Store, Telling};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// A score of the native model with these values.
fn new_score(scorer: &Scorer, employee_id: &str, as_of: &str, values: [f64; 3]) -> NewScore {
    let row = scorer.schema().packed_row(values.to_vec()).unwrap();
    NewScore {
        employee_id: employee_id.into(),
        as_of: day(as_of),
        scored_at: 1_700_000_000_000_000,
        assessment: scorer.score(&row),
        row,
        org: OrgFacts::default(),
    }
}

/// The same score with another band and risk, at another time.
fn altered(score: NewScore, band: Band, risk: f64, scored_at: i64) -> NewScore {
    let assessment = Assessment { band, risk: Probability::new(risk).unwrap(), ..score.assessment };
    NewScore { assessment, scored_at, ..score }
}

#[tokio::test]
async fn a_score_is_read_back_to_the_last_bit_and_can_be_told_without_its_model() {
    each_store(async |store| {
        let scorer = native();
        // Known values, unknown ones, and one far outside: the model abstains.
        for (employee, values) in
            [("e-1", [1.0 / 3.0, 2.0, 0.75]), ("e-2", [f64::NAN, f64::NAN, f64::NAN]), ("e-3", [1e9, 1e7, f64::NAN])]
        {
            let mut score = new_score(&scorer, employee, "2024-06-30", values);
            score.org = OrgFacts {
                department: Some("Sales".into()),
                manager_id: Some("m-1".into()),
                critical_role: Some(false),
                tenure_years: Some(0.1 + 0.2),
                ..OrgFacts::default()
            };
            store.record_scores(&scorer, std::slice::from_ref(&score), Telling::default()).await.unwrap();
            let got = store.current_score(employee).await.unwrap().unwrap();
            let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&got.values), bits(&values));
            assert_eq!(bits(&got.assessment.contributions), bits(&score.assessment.contributions));
            assert_eq!(format!("{:?}", got.assessment), format!("{:?}", score.assessment));
            assert_eq!(got.record.org, score.org);
            assert_eq!((got.record.as_of, got.record.scored_at), (score.as_of, score.scored_at));
            assert_eq!(got.record.horizon_months, 12);
            let answered = score.assessment.band != Band::Abstained;
            assert_eq!(got.record.risk, answered.then_some(score.assessment.risk.get()));
            let model = store.model(&got.record.model_version).await.unwrap().unwrap();
            assert_eq!(&model.schema, scorer.schema());
            assert_eq!(model.base_rate.to_bits(), scorer.base_rate().to_bits());
            assert_eq!(model.reference_log_odds.to_bits(), scorer.reference_log_odds().0.to_bits());
        }
        assert!(store.current_score("e-4").await.unwrap().is_none());
        assert!(store.model("none").await.unwrap().is_none());
        assert_eq!(
            store.current_score("e-3").await.unwrap().unwrap().assessment.band,
            Band::Abstained,
            "one-sided cases"
        );
    })
    .await;
}

#[tokio::test]
async fn a_score_of_an_earlier_day_goes_to_the_history_only() {
    each_store(async |store| {
        let scorer = native();
        let score = |as_of, tenure| new_score(&scorer, "e-1", as_of, [tenure, 1.0, 0.5]);
        // Two in one go, the later day first; then an earlier day, the same day again, a later one.
        let record =
            async |scores: &[NewScore]| store.record_scores(&scorer, scores, Telling::default()).await.unwrap();
        record(&[score("2024-03-01", 1.0), score("2024-02-01", 2.0)]).await;
        record(&[score("2024-01-01", 3.0)]).await;
        record(&[score("2024-03-01", 4.0)]).await;
        assert_eq!(store.current_score("e-1").await.unwrap().unwrap().values[0].to_bits(), 4.0_f64.to_bits());
        record(&[score("2024-04-01", 5.0), score("2024-05-01", 6.0)]).await;
        let history = store.score_history("e-1").await.unwrap();
        let force: Vec<(i64, i64)> = history.iter().map(|score| (score.seq, score.to_seq)).collect();
        assert_eq!(force, [(6, IN_FORCE), (5, 6), (4, 5), (3, 3), (2, 2), (1, 4)]);
        let read: Vec<i64> =
            store.scores(&[5, 99, 1]).await.unwrap().into_iter().map(|score| score.record.seq).collect();
        assert_eq!(read, [5, 1]);
    })
    .await;
}

#[tokio::test]
async fn many_scores_are_recorded_in_their_order() {
    each_store(async |store| {
        let scorer = native();
        for round in 0..2 {
            let scores: Vec<NewScore> = (0..1_003)
                .map(|i| new_score(&scorer, &format!("e-{i}"), "2024-06-30", [f64::from(i), f64::from(round), 0.5]))
                .collect();
            store.record_scores(&scorer, &scores, Telling::default()).await.unwrap();
        }
        for i in [0, 255, 256, 1_002] {
            let score = store.current_score(&format!("e-{i}")).await.unwrap().unwrap();
            assert_eq!(score.values[..2], [f64::from(i), 1.0]);
            assert_eq!(score.record.seq, 1_003 + i64::from(i) + 1);
        }
        let count = store.db().first("SELECT count(*) FROM scores WHERE to_seq = 9223372036854775807", vec![]).await;
        assert_eq!(count.unwrap().unwrap().int(0).unwrap(), 1_003);
    })
    .await;
}

#[tokio::test]
async fn scores_are_recorded_all_or_none() {
    each_store(async |store| {
        let scorer = native();
        let good = new_score(&scorer, "e-1", "2024-06-30", [1.0, 1.0, 0.5]);
        // The details of the second of two have a number that is taken.
        let change = async |sql: &str, values| {
            let mut tx = store.db().begin().await.unwrap();
            tx.execute(sql, values).await.unwrap();
            tx.commit().await.unwrap();
        };
        let none: Vec<u8> = Vec::new();
        let taken = "INSERT INTO score_details (seq, assessment, feature_values, contributions) VALUES (2, '', $1, $1)";
        change(taken, params![none]).await;
        let two = [good.clone(), NewScore { employee_id: "e-2".into(), ..good }];
        assert!(store.record_scores(&scorer, &two, Telling::default()).await.is_err());
        assert!(store.current_score("e-1").await.unwrap().is_none());
        change("DELETE FROM score_details", vec![]).await;
        store.record_scores(&scorer, &two, Telling::default()).await.unwrap();
        assert_eq!(store.current_score("e-2").await.unwrap().unwrap().record.seq, 2, "no number was used up");
    })
    .await;
}

#[test]
fn changes_are_told_or_wait() {
    use Band::{Abstained, Elevated, High, Low};
    use ChangeKind::{BandFell, BandRose, New, ProbabilityFell, ProbabilityRose};
    let telling = Telling::default();
    const DAY: i64 = MICROS_PER_DAY;
    // What was told (band, risk, day), what is now (band, risk, day); what is told, and the day until which a change waits.
    type Case = (Option<(Band, f64, i64)>, (Band, f64, i64), Option<ChangeKind>, Option<i64>);
    let cases: [Case; 20] = [
        (None, (High, 0.6, 1), Some(New), None),
        (None, (Low, 0.1, 1), None, None),
        (None, (Abstained, -1.0, 1), None, None),
        // Nothing was told of the first score: no cool-down.
        (Some((Low, 0.1, 0)), (Low, 0.15, 1), Some(ProbabilityRose), None),
        (Some((Low, 0.1, 0)), (Low, 0.149, 1), None, None),
        (Some((Low, 0.1, 0)), (Elevated, 0.12, 1), Some(BandRose), None),
        (Some((Abstained, -1.0, 0)), (Elevated, 0.2, 1), Some(BandRose), None),
        (Some((Abstained, -1.0, 0)), (Low, 0.1, 1), Some(BandFell), None),
        (Some((Abstained, -1.0, 0)), (Abstained, -1.0, 1), None, None),
        (Some((Elevated, 0.3, 10)), (Abstained, -1.0, 17), Some(ChangeKind::Abstained), None),
        // Within the cool-down: waits, unless the band rises.
        (Some((Elevated, 0.3, 10)), (Abstained, -1.0, 16), None, Some(17)),
        (Some((Elevated, 0.3, 10)), (Elevated, 0.25, 16), None, Some(17)),
        (Some((Elevated, 0.3, 10)), (Elevated, 0.26, 16), None, None),
        (Some((Elevated, 0.3, 10)), (Elevated, 0.4, 16), None, Some(17)),
        (Some((Elevated, 0.3, 10)), (High, 0.4, 11), Some(BandRose), None),
        (Some((High, 0.5, 10)), (Low, 0.1, 11), None, Some(17)),
        // After it.
        (Some((Elevated, 0.3, 10)), (Elevated, 0.25, 17), Some(ProbabilityFell), None),
        (Some((High, 0.5, 10)), (Low, 0.1, 17), Some(BandFell), None),
        (Some((High, 0.5, 10)), (High, 0.9, 400), Some(ProbabilityRose), None),
        (Some((High, 0.5, 10)), (High, 0.5, 400), None, None),
    ];
    for (told, (band, risk, at), kind, waits) in cases {
        let before = told.map(|(band, risk, day)| {
            // A change that waited until now may have become none.
            Told { point: Point { seq: 1, band, risk }, told_at: day * DAY, due_at: Some(20 * DAY) }
        });
        let point = Point { seq: 2, band, risk };
        let (got, after) = judged(before, point, at * DAY, telling);
        let case = format!("{told:?} -> {point:?}");
        assert_eq!(got, kind, "{case}");
        assert_eq!(after.due_at, waits.map(|day| day * DAY), "{case}");
        let expected = if got.is_some() { point } else { before.map_or(point, |told| told.point) };
        assert_eq!(after.point, expected, "{case}");
    }
}

/// Kind, previous and current score of every change, in order.
async fn changes(store: &Store) -> Vec<(i64, Option<i64>, i64)> {
    let sql = "SELECT kind, previous_seq, current_seq FROM changes ORDER BY seq";
    let rows = store.db().query(sql, vec![]).await.unwrap();
    rows.iter().map(|row| (row.int(0).unwrap(), row.opt_int(1).unwrap(), row.int(2).unwrap())).collect()
}

#[tokio::test]
async fn changes_within_the_cool_down_are_told_later_as_one() {
    each_store(async |store| {
        let scorer = native();
        let telling = Telling::default();
        let at = |day: i64| day * MICROS_PER_DAY;
        let score =
            |band, risk, on| altered(new_score(&scorer, "e-1", "2024-06-30", [1.0, 1.0, 0.5]), band, risk, at(on));
        let record = async |band, risk, day| {
            store.record_scores(&scorer, &[score(band, risk, day)], telling).await.unwrap();
        };
        record(Band::Elevated, 0.3, 100).await;
        record(Band::Elevated, 0.4, 101).await;
        record(Band::Elevated, 0.5, 103).await;
        assert_eq!(store.tell_due_changes(at(107) - 1, telling).await.unwrap(), 0);
        assert_eq!(changes(&store).await, [(ChangeKind::New as i64, None, 1)]);
        assert_eq!(store.tell_due_changes(at(107), telling).await.unwrap(), 1);
        assert_eq!(store.tell_due_changes(at(200), telling).await.unwrap(), 0, "told once");
        assert_eq!(changes(&store).await[1..], [(ChangeKind::ProbabilityRose as i64, Some(1), 3)]);
        // It went away again before it was due.
        record(Band::Elevated, 0.2, 108).await;
        record(Band::Elevated, 0.5, 109).await;
        assert_eq!(store.tell_due_changes(at(300), telling).await.unwrap(), 0);
        // A rise does not wait; what it rose from is what was told last.
        record(Band::High, 0.52, 110).await;
        assert_eq!(changes(&store).await[2..], [(ChangeKind::BandRose as i64, Some(3), 6)]);
        // A score of an earlier day is told to nobody.
        let early = NewScore { as_of: day("2024-01-01"), ..score(Band::Low, 0.1, 150) };
        store.record_scores(&scorer, &[early], telling).await.unwrap();
        assert_eq!(changes(&store).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_exit_is_told_once_and_ends_the_waiting() {
    each_store(async |store| {
        let scorer = native();
        let base = new_score(&scorer, "e-1", "2024-06-30", [1.0, 1.0, 0.5]);
        let telling = Telling::default();
        for (risk, day) in [(0.3, 100), (0.4, 101)] {
            let score = altered(base.clone(), Band::Elevated, risk, day * MICROS_PER_DAY);
            store.record_scores(&scorer, &[score], telling).await.unwrap();
        }
        for employee in ["e-1", "e-unknown"] {
            let mut tx = store.db().begin().await.unwrap();
            crate::store::changes::tell_left(&mut tx, employee, 102 * MICROS_PER_DAY).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(store.tell_due_changes(i64::MAX, telling).await.unwrap(), 0);
        assert_eq!(changes(&store).await[1..], [(ChangeKind::Left as i64, Some(1), 2)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_older_than_the_retention_time_is_deleted() {
    each_store(async |store| {
        let scorer = native();
        let telling = Telling::default();
        let at = |day: i64| day * MICROS_PER_DAY;
        let score = |employee: &str, band, risk, on| {
            altered(new_score(&scorer, employee, "2024-06-30", [1.0, 1.0, 0.5]), band, risk, at(on))
        };
        // One who left long ago, one who is scored still, and many whose only score is old.
        let many = (0..1_500).map(|i| score(&format!("m-{i}"), Band::High, 0.5, 100));
        let first = [score("e-old", Band::High, 0.5, 100), score("e-1", Band::Elevated, 0.3, 100)];
        let first: Vec<NewScore> = first.into_iter().chain(many).collect();
        store.record_scores(&scorer, &first, telling).await.unwrap();
        store.record_scores(&scorer, &[score("e-1", Band::Elevated, 0.31, 300)], telling).await.unwrap();
        assert_eq!(store.delete_expired(at(500), 400).await.unwrap(), 0, "to the day");
        assert_eq!(store.delete_expired(at(500) + 1, 400).await.unwrap(), 1_502);
        assert!(store.current_score("e-old").await.unwrap().is_none());
        let left: Vec<i64> = store.score_history("e-1").await.unwrap().iter().map(|score| score.seq).collect();
        assert_eq!(left, [1_503]);
        let count = async |table: &str| {
            let row = store.db().first(&format!("SELECT count(*) FROM {table}"), vec![]).await.unwrap().unwrap();
            row.int(0).unwrap()
        };
        for (table, rows) in [("scores", 1), ("score_details", 1), ("changes", 0), ("told", 1)] {
            assert_eq!(count(table).await, rows, "{table}");
        }
        // What was told is measured from what is left.
        store.record_scores(&scorer, &[score("e-1", Band::Elevated, 0.36, 501)], telling).await.unwrap();
        assert_eq!(changes(&store).await, [(ChangeKind::ProbabilityRose as i64, Some(1_503), 1_504)]);
        assert_eq!(store.delete_expired(at(10_000), 400).await.unwrap(), 2);
        assert_eq!(count("told").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_replaced_scores_came_from_is_deleted_in_time_and_nothing_else() {
    each_store(async |store| {
        let scorer = native();
        let telling = Telling::default();
        let at = |day: i64| day * MICROS_PER_DAY;
        // Nights of April and May 1970. "alone" is scored in the first only; on day 106 comes a score of an earlier day, never in force;
        // on day 107 somebody leaves; what was recorded on day 110 is in force at the end of April.
        let nights = [(100, "2024-06-30"), (105, "2024-07-05"), (110, "2024-07-10"), (130, "2024-07-30")];
        for (on, as_of) in nights {
            let scores: Vec<NewScore> = (0..1_200)
                .map(|i| format!("m-{i}"))
                .chain((on == 100).then(|| "alone".to_owned()))
                .chain((on < 110).then(|| "left".to_owned()))
                .map(|employee| NewScore { scored_at: at(on), ..new_score(&scorer, &employee, as_of, [1.0, 1.0, 0.5]) })
                .collect();
            store.record_scores(&scorer, &scores, telling).await.unwrap();
            if on == 105 {
                let late = new_score(&scorer, "m-1", "2024-01-01", [1.0, 1.0, 0.5]);
                store.record_scores(&scorer, &[NewScore { scored_at: at(106), ..late }], telling).await.unwrap();
                let exit = NewExit { employee_id: "left", day: day("2024-07-06"), exit_type: 1, at: at(107) };
                let mut tx = store.db().begin().await.unwrap();
                report_exit(&mut tx, &exit).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
        let before = store.score_history("m-1").await.unwrap();
        let with_details = async |employee: &str| -> Vec<bool> {
            let held = store.held_scores(employee).await.unwrap();
            held.iter().map(|held| held.details.is_some()).collect()
        };
        for (now, deleted, of_one, of_left) in [
            // Ended on day 105: not more than 90 days ago.
            (at(195), 0, vec![true, true, true, true, true], vec![true, true]),
            // Those of day 100 that were replaced on day 105 are gone.
            (at(195) + 1, 1_201, vec![true, true, true, true, false], vec![true, false]),
            (at(195) + 1, 0, vec![true, true, true, true, false], vec![true, false]),
            (at(196) + 1, 1, vec![true, true, false, true, false], vec![true, false]),
            (at(200) + 1, 1_201, vec![true, true, false, false, false], vec![false, false]),
            // What was in force at the end of a month stays.
            (at(220) + 1, 0, vec![true, true, false, false, false], vec![false, false]),
            (at(3_000), 0, vec![true, true, false, false, false], vec![false, false]),
        ] {
            assert_eq!(store.thin_details(now, 90).await.unwrap(), deleted, "{now}");
            assert_eq!(with_details("m-1").await, of_one, "{now}");
            assert_eq!(with_details("left").await, of_left, "{now}");
            assert_eq!(with_details("alone").await, [true], "{now}");
        }
        assert_eq!(store.score_history("m-1").await.unwrap(), before, "the numbers stay");
        assert!(store.current_score("m-1").await.unwrap().is_some());
    })
    .await;
}

#[test]
fn a_score_of_old_facts_is_stale() {
    let record = |as_of: &str| {
        let score = new_score(&native(), "e-1", as_of, [1.0, 1.0, 0.5]);
        crate::store::ScoreRecord {
            seq: 1,
            to_seq: IN_FORCE,
            employee_id: score.employee_id,
            scored_at: 0,
            as_of: score.as_of,
            model_version: String::new(),
            band: Band::Low,
            risk: Some(0.1),
            low: None,
            high: None,
            multiple_of_base_rate: None,
            horizon_months: 12,
            org: OrgFacts::default(),
        }
    };
    let now = i64::from(day("2024-08-15").epoch_days()) * MICROS_PER_DAY + 5;
    for (as_of, stale) in [("2024-06-30", true), ("2024-07-01", false), ("2024-08-16", false)] {
        assert_eq!(record(as_of).is_stale(now, 45), stale, "{as_of}");
    }
}
