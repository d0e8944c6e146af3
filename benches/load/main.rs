//! The server under load beside what it could be at best and what one would write instead: a bare tonic echo of messages of the
//! same sizes, and Python servers that answer the same requests. Every answer is checked, byte by byte.
//!
//! `cargo bench --workspace --bench load -- [--seconds 10] [--python] [--modes unary,stream,batch] [--employees 2000]`
//!
//! The servers run on the first core, the load comes from the second (`taskset`); with a single core, or without `taskset`, they
//! share. The model is trained on a generated company with the default plan.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement stops at the first surprise")]

mod drive;
mod echo;
mod servers;
mod workload;

use std::time::Duration;

use drive::Figures;
use servers::{Servers, Setting};
use workload::{Exchange, Workload};

/// What is asked for on the command line.
struct Options {
    seconds: Duration,
    python: bool,
    modes: Vec<String>,
    employees: u32,
}

impl Options {
    fn read() -> Self {
        let modes = ["unary", "stream", "batch"].map(str::to_owned).to_vec();
        let mut options = Self { seconds: Duration::from_secs(10), python: false, modes, employees: 2_000 };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut text = || arguments.next().expect("a value after the option");
            match name.as_str() {
                "--seconds" => options.seconds = Duration::from_secs_f64(text().parse().expect("seconds")),
                "--employees" => options.employees = text().parse().expect("employees"),
                "--modes" => options.modes = text().split(',').map(str::to_owned).collect(),
                "--python" => options.python = true,
                // What `cargo bench` itself adds.
                _ => {}
            }
        }
        options
    }
}

/// The ways to ask: the option's name, what is told of it, and the echo beside it.
const MODES: [(&str, &str, &str); 3] = [
    ("unary", "ScoreEmployee, all factors, 64 in flight over 8 connections", echo::UNARY),
    ("stream", "StreamScores, five factors, 4 streams over 4 connections", echo::STREAM),
    ("batch", "BatchScoreEmployees of 1,000 rows, five factors, 4 connections", echo::UNARY),
];

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--echo-server") {
        return echo::serve();
    }
    let options = Options::read();
    servers::to_second_core();
    let folder = tempfile::tempdir().unwrap();
    let workload = Workload::prepare(folder.path(), options.employees);
    let servers = Servers::new(folder.path());
    println!("a model with {} features; rows are employees a second", workload.features());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (mode, title, echo_path) in MODES {
        if options.modes.iter().any(|wanted| wanted == mode) {
            runtime.block_on(measure(&options, &workload, &servers, (mode, title, echo_path)));
        }
    }
}

async fn exchange(workload: &Workload, mode: &str, server: &servers::Server, record: bool) -> Exchange {
    match mode {
        "unary" => workload.unary(server, record).await,
        "stream" => workload.stream(server).await,
        _ => workload.batch(server).await,
    }
}

async fn load(mode: &str, server: &servers::Server, exchange: &Exchange, time: Duration) -> Figures {
    let figures = async {
        match mode {
            "unary" => drive::unary(server, exchange, time, true).await,
            "stream" => drive::stream(server, exchange, time).await,
            _ => drive::batch(server, exchange, time).await,
        }
    };
    let (mut figures, seconds) = tokio::join!(figures, drive::processor_seconds(server, time));
    figures.processor_us = seconds * 1e6 / (figures.a_second * time.as_secs_f64());
    figures
}

async fn measure(
    options: &Options,
    workload: &Workload,
    servers: &Servers,
    (mode, title, echo_path): (&str, &str, &'static str),
) {
    let settings = Setting::ALL.into_iter().filter(|setting| mode == "unary" || !setting.records());
    let mut base = None;
    for setting in settings {
        let server = servers.start(setting);
        let exchange = exchange(workload, mode, &server, setting.records()).await;
        if base.is_none() {
            println!(
                "\n{title}; a request has {} bytes, an answer {}",
                exchange.request_bytes(),
                exchange.reply_bytes()
            );
            println!(
                "| server | a second | of the echo | processor µs each | p50 ms | p99 ms | of the echo's | MiB idle / after load |"
            );
            println!("|---|---|---|---|---|---|---|---|");
        }
        // The echo right before: what else the machine does changes with time.
        let echo = servers.echo();
        let beside = load(mode, &echo, &exchange.as_echo(echo_path), options.seconds).await;
        drop(echo);
        line("bare tonic echo", &beside, &beside, None);
        let figures = load(mode, &server, &exchange, options.seconds).await;
        line(setting.name(), &figures, &beside, Some(server.memory()));
        base = Some((beside, exchange));
    }
    let Some((beside, exchange)) = base.filter(|_| options.python && mode == "unary") else { return };
    for (name, reasons) in
        [("Python, coefficients as reasons", "coefficients"), ("Python, SHAP values as reasons", "shap")]
    {
        let server = servers.python(reasons, &workload.feature_names());
        let figures = drive::unary(&server, &exchange, options.seconds, false).await;
        line(name, &figures, &beside, Some(server.memory()));
    }
}

fn line(name: &str, figures: &Figures, beside: &Figures, memory: Option<(f64, f64)>) {
    let times = |text: String| if figures.p50_ms > 0.0 { text } else { "-".to_owned() };
    println!(
        "| {name} | {:.0} | {:.3} | {:.1} | {} | {} | {} | {} |",
        figures.a_second,
        figures.a_second / beside.a_second,
        figures.processor_us,
        times(format!("{:.2}", figures.p50_ms)),
        times(format!("{:.2}", figures.p99_ms)),
        times(format!("{:.2}", figures.p99_ms / beside.p99_ms)),
        memory.map_or_else(String::new, |(idle, loaded)| format!("{idle:.0} / {loaded:.0}")),
    );
}
