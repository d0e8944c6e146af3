//! Months of the past: how the risk of groups developed, and what drove it then.

use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_client::InsightServiceClient;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{Served, native, open_config};
use super::insight::{Who, client, company, exit, month, record};
use v1::GroupDimension::{self as By, Department};

#[tokio::test]
async fn a_trend_leaves_out_months_in_which_few_came_or_went() {
    each_store(async |store| {
        let scorer = native();
        let mut people = company();
        // Everybody three months ago, one more two months ago, eleven more last month; all anew now.
        record(&store, &scorer, &people, month(3).0).await;
        let like = people[2].1.clone();
        people.push((1_000, like.clone()));
        record(&store, &scorer, &people[360..], month(2).0).await;
        people.extend((1_001..1_012).map(|number| (number, like.clone())));
        record(&store, &scorer, &people[361..], month(1).0).await;
        record(&store, &scorer, &people, 0).await;
        // Twelve leave last month, all of Sales; nine of Ops the month before.
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = client(&server).await;
        let asked = v1::GetTrendRequest { group_by: Department.into(), group: "Sales".into(), months: 6 };
        let reply = client.get_trend(asked.clone()).await.unwrap().into_inner();
        let months: Vec<&str> = reply.points.iter().map(|point| point.month.as_str()).collect();
        assert_eq!(months, [&month(3).1, &month(1).1, &month(0).1]);
        assert_eq!(reply.suppressed_months, 1);
        let counts: Vec<u64> = reply.points.iter().map(|point| point.employees).collect();
        assert_eq!(counts, [120, 132, 132]);
        for point in &reply.points {
            assert!(
                (point.mean_risk * 1_000.0).fract().abs() < 1e-9 || (point.mean_risk * 1_000.0).fract() > 1.0 - 1e-9
            );
            assert!((0.0..=1.0).contains(&point.at_risk_share) && point.observed_exits.is_none());
        }
        for i in 0..12 {
            exit(&store, 3 * i + 2, month(1).0 - 1, 1).await;
        }
        for i in 0..9 {
            exit(&store, 3 * i, month(1).0 - 1, 1).await;
        }
        let exits = async |client: &mut InsightServiceClient<Channel>, request: v1::GetTrendRequest| {
            let reply = client.get_trend(request).await.unwrap().into_inner();
            let point = reply.points.into_iter().find(|point| point.month == month(1).1);
            point.map(|point| (point.employees, point.observed_exits))
        };
        // The nine of Ops would follow from all (21) less those of Sales (12): one of the two is not told.
        let sales = exits(&mut client, asked.clone()).await;
        let ops = exits(&mut client, v1::GetTrendRequest { group: "Ops".into(), ..asked.clone() }).await;
        let all = exits(&mut client, v1::GetTrendRequest { group_by: 0, group: String::new(), months: 6 }).await;
        assert!(ops.is_none_or(|(_, exits)| exits.is_none()), "{ops:?}");
        assert_eq!((sales, all), (Some((120, None)), Some((351, Some(21)))));
    })
    .await;
}

#[tokio::test]
async fn which_months_are_shown_does_not_depend_on_how_many_are_asked_for() {
    each_store(async |store| {
        let scorer = native();
        let mut people = company();
        record(&store, &scorer, &people, month(3).0).await;
        let like = people[2].1.clone();
        people.push((1_000, like));
        record(&store, &scorer, &people[360..], month(2).0).await;
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = client(&server).await;
        // Two months alone would be the same people; beside the third they are one more than it.
        for (months, shown, suppressed) in [(2, 0, 2), (3, 0, 3), (4, 1, 3), (36, 1, 3)] {
            let asked = v1::GetTrendRequest { group_by: Department.into(), group: "Sales".into(), months };
            let reply = client.get_trend(asked).await.unwrap().into_inner();
            assert_eq!((reply.points.len(), reply.suppressed_months), (shown, suppressed), "{months}");
        }
    })
    .await;
}

#[tokio::test]
async fn drivers_of_a_past_month_are_those_of_its_scores_where_enough_came_or_went() {
    each_store(async |store| {
        let scorer = native();
        let mut people = company();
        let record_month =
            async |people: &[(usize, Who)], back: i32| record(&store, &scorer, people, month(back).0).await;
        record_month(&people, 5).await;
        // One more, then eleven more; then nobody, but everybody is scored anew with longer service.
        people.push((1_000, people[2].1.clone()));
        record_month(&people[360..], 4).await;
        people.extend((1_001..1_012).map(|number| (number, people[2].1.clone())).collect::<Vec<_>>());
        record_month(&people[361..], 3).await;
        for (_, who) in &mut people {
            who.4 += 1.0;
        }
        record_month(&people, 1).await;
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = client(&server).await;
        let ask = |by: By, group: &str, month: String| v1::ListDriversRequest {
            group_by: by.into(),
            group: group.into(),
            as_of_month: month,
            ..Default::default()
        };
        let now = client.list_drivers(ask(Department, "Sales", String::new())).await.unwrap().into_inner();
        assert_eq!(now.model_version, native().artifact().model_version());
        let this_month = client.list_drivers(ask(Department, "Sales", month(0).1)).await.unwrap().into_inner();
        assert_eq!(this_month, now);
        let tenure = |reply: &v1::ListDriversResponse| {
            reply
                .drivers
                .iter()
                .find(|driver| driver.feature == "tenure_years")
                .map(|driver| driver.mean_value.unwrap())
        };
        for (back, expected) in [
            (6, None),
            // Those of then and those of now differ by twelve.
            (5, Some(120)),
            // By eleven from those of now, but by one from those of the month before.
            (4, None),
            // By nobody from those of now.
            (3, Some(132)),
            (2, Some(132)),
            (1, Some(132)),
        ] {
            let reply = client.list_drivers(ask(Department, "Sales", month(back).1)).await;
            let Some(employees) = expected else {
                let status = reply.unwrap_err();
                assert_eq!(status.get_details_error_info().unwrap().reason, "GROUP_SUPPRESSED", "{back}");
                continue;
            };
            let reply = reply.unwrap().into_inner();
            assert_eq!((reply.employees, reply.drivers.len()), (employees, 3), "{back}");
            let years = if back > 1 { 0.0 } else { 1.0 };
            let members = (0..120).map(|i| 3 * i + 2).chain(std::iter::repeat_n(2, employees as usize - 120));
            let sum: f64 = members.map(|number| company()[number].1.4 + years).sum();
            let mean = tenure(&reply).unwrap();
            assert!((mean - sum / employees as f64).abs() < 0.01, "{back}: {mean}");
        }
        // For all, and for those who are not shown.
        assert!(client.list_drivers(ask(By::Unspecified, "", month(5).1)).await.is_ok());
        assert!(client.list_drivers(ask(Department, "Nowhere", month(5).1)).await.is_err());
        for wrong in ["2026", "2026-13", "2026-1", "2026-01-01", "May"] {
            let status = client.list_drivers(ask(Department, "Sales", wrong.into())).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{wrong}");
            assert!(status.message().contains("as_of_month"), "{wrong}");
        }
    })
    .await;
}
