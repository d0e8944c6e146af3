//! What all pages share.

use std::net::SocketAddr;
use std::sync::Arc;

use flight_risk_scoring::artifact::Target;
use tokio::sync::watch;

use crate::config::{AccessMode, PublicOrigin};
use crate::console::api::Api;
use crate::console::oidc::Oidc;
use crate::console::pace::Pace;
use crate::console::pages::at_risk::ChoiceCache;
use crate::console::pages::audit::Verification;
use crate::core::Core;

/// What all pages share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Parts>);

struct Parts {
    core: Core,
    api: Arc<Api>,
    hosts: Hosts,
    public: Option<PublicOrigin>,
    choices: Arc<ChoiceCache>,
    verification: Arc<Verification>,
    provider: Option<Arc<Oidc>>,
    leaving: Pace,
}

/// The names by which browsers may ask for this server.
enum Hosts {
    /// Any: other machines reach it, by whatever name they know it, and TLS proves who it is.
    Any,
    /// Those of this machine on this port.
    ThisMachine(u16),
}

impl Site {
    /// The console of a server at an address, with the identity provider at which people sign in; `draining` turns true when the
    /// server ends.
    pub(crate) fn new(
        core: Core,
        address: SocketAddr,
        provider: Option<Arc<Oidc>>,
        draining: &watch::Receiver<bool>,
    ) -> Self {
        let hosts =
            if address.ip().to_canonical().is_loopback() { Hosts::ThisMachine(address.port()) } else { Hosts::Any };
        Self(Arc::new(Parts {
            api: Api::new(&core, draining),
            public: core.config.console.public(),
            core,
            hosts,
            choices: Arc::default(),
            verification: Arc::default(),
            provider,
            leaving: Pace::default(),
        }))
    }

    /// What all services share.
    pub(crate) fn core(&self) -> &Core {
        &self.0.core
    }

    /// The services of the API.
    pub(crate) fn api(&self) -> &Api {
        &self.0.api
    }

    /// What lists can be filtered by.
    pub(crate) fn choices(&self) -> &Arc<ChoiceCache> {
        &self.0.choices
    }

    /// Whether the audit log is as it was written, as far as somebody asked.
    pub(crate) fn verification(&self) -> &Arc<Verification> {
        &self.0.verification
    }

    /// The time within which the headline risk says that somebody leaves, for the end of a sentence.
    pub(crate) fn within(&self) -> String {
        match &self.core().active.load().artifact().content().target {
            Target::Hazard { risk_horizon_months: 1, .. } => "within a month".to_owned(),
            Target::Hazard { risk_horizon_months, .. } => format!("within {risk_horizon_months} months"),
            Target::SinglePeriod { .. } => "in the period that the records cover".to_owned(),
        }
    }

    /// The usual risk of the company: that of somebody about whom nothing is known.
    pub(crate) fn base_rate(&self) -> f64 {
        self.core().active.load().base_rate()
    }

    /// Whether browsers reach it by TLS: ours, or that of the proxy before it.
    pub(crate) fn encrypted(&self) -> bool {
        self.0.core.config.tls.is_some() || self.0.public.as_ref().is_some_and(|public| public.encrypted)
    }

    /// The identity provider at which people sign in, where there is one.
    pub(crate) fn provider(&self) -> Option<&Oidc> {
        self.0.provider.as_deref()
    }

    /// How many leave for it.
    pub(crate) fn leaving(&self) -> &Pace {
        &self.0.leaving
    }

    /// Whether nobody needs to sign in.
    pub(crate) fn is_open(&self) -> bool {
        self.0.core.config.access.mode == AccessMode::Off
    }

    /// Whether a request for this host is meant for this server.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        self.0.public.as_ref().is_some_and(|public| public.is_host(host)) || self.is_own_name(host)
    }

    /// Whether a form from this origin, sent to this host (one of ours), was sent from one of our pages.
    pub(crate) fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        match &self.0.public {
            // Proxies may name the address at which they reach us as the host.
            Some(public) if public.is(origin) => true,
            Some(public) if public.is_host(host) => false,
            _ => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        }
    }

    fn is_own_name(&self, host: &str) -> bool {
        match &self.0.hosts {
            Hosts::Any => true,
            Hosts::ThisMachine(port) => {
                let (name, own_port) = match host.rsplit_once(':') {
                    Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
                    _ => (host, Some(80)),
                };
                own_port == Some(*port) && ["localhost", "127.0.0.1", "[::1]"].contains(&name)
            }
        }
    }
}
