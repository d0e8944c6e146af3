//! Exits that come with HR tables.

use flight_risk_scoring::history::ExitKind;

use super::databases::each_store;
use super::fixture::native;
use super::risk::{record, with_risk};
use crate::clock::now_micros;
use crate::store::stored_score::IN_FORCE;
use crate::store::{Leaver, OrgFacts};

#[tokio::test]
async fn exits_of_those_who_were_scored_are_kept_once() {
    each_store(async |store| {
        let scorer = native();
        let scores = ["e-1", "e-2"].map(|id| with_risk(&scorer, id, 0.4, OrgFacts::default()));
        record(&store, &scorer, &scores).await;
        let leaver =
            |id: &str| Leaver { employee_id: id.into(), day: "2024-09-30".parse().unwrap(), kind: ExitKind::Voluntary };
        let leavers = [leaver("e-1"), leaver("e-nobody")];
        assert_eq!(store.report_exits(&leavers, now_micros()).await.unwrap(), 1);
        assert_eq!(store.report_exits(&leavers, now_micros()).await.unwrap(), 0, "known");
        let in_force = format!("SELECT employee_id FROM scores WHERE to_seq = {IN_FORCE}");
        let left = store.db().query(&in_force, Vec::new()).await.unwrap();
        assert_eq!(left.iter().map(|row| row.text(0).unwrap()).collect::<Vec<_>>(), ["e-2"]);
        // What was corrected in the tables of somebody who left already: the reason of the same day, then the day.
        let retired = Leaver { kind: ExitKind::Retirement, ..leaver("e-1") };
        let later = Leaver { day: "2024-10-31".parse().unwrap(), ..retired.clone() };
        for (corrected, exit_type) in [(retired, 3), (later, 3)] {
            assert_eq!(store.report_exits(std::slice::from_ref(&corrected), now_micros()).await.unwrap(), 1);
            assert_eq!(store.report_exits(std::slice::from_ref(&corrected), now_micros()).await.unwrap(), 0, "known");
            let kept = store.exit("e-1").await.unwrap().unwrap();
            assert_eq!((kept.day, kept.exit_type), (i64::from(corrected.day.epoch_days()), exit_type));
        }
        assert!(store.exit("e-nobody").await.unwrap().is_none(), "never scored");
    })
    .await;
}
