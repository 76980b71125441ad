//! The proof of a hub: a sample goes in through the public gateway and is answered by Query, as the right tenant; a
//! wrong password is refused; the hosts lead to the gateway.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use thanos_core::codes;

use super::credentials::{Credential, Credentials};
use super::sample;
use super::wait::Patience;
use super::wish::Wish;
use crate::cli::HubIngress;
use crate::enroll::hidden::Hidden;
use crate::failure::Failure;
use crate::https::{Answer, Asked, Https};
use crate::init::apply::Wait;
use crate::ui::Ui;

/// How long a gateway may take to know a new user, and a sample to be answered, where `--timeout` says nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a name may take to be resolved.
const RESOLVED: Duration = Duration::from_secs(5);

/// What the proof goes through.
pub(crate) struct Route<'a> {
    pub(crate) wish: &'a Wish,
    pub(crate) credentials: &'a Credentials,
    /// The gateway's.
    pub(crate) address: &'a str,
    pub(crate) patience: Patience,
}

impl Route<'_> {
    fn https(&self, host: &str) -> Result<Https, Failure> {
        Https::new(self.address, host, self.wish.authority.as_ref())
            .map_err(|words| lost("the authority cannot be used").because(words))
    }

    /// A sample there and back.
    pub(crate) async fn sample(&self, ui: &mut Ui<'_>) -> Result<String, Failure> {
        let (write, read) = (
            self.https(&self.wish.write_host)?,
            self.https(&self.wish.read_host)?,
        );
        let cluster = self.wish.cluster.as_str();
        let mut wait = Wait::begin(format!("{} takes a sample", self.wish.write_host));
        let value = loop {
            let now = jiff::Timestamp::now().as_millisecond();
            let value = (now / 1000) as f64;
            let body = sample::write_request(&[("cluster", cluster)], value, now)
                .map_err(|words| lost("the sample cannot be written").because(words))?;
            let answer = write
                .ask(Self::write(
                    &self.credentials.write.user,
                    &self.credentials.write.password,
                    body,
                ))
                .await;
            let state = match answer {
                Ok(answer) if answer.status.is_success() => break value,
                Ok(answer) => said(&answer),
                Err(words) => words,
            };
            self.again(
                &mut wait,
                ui,
                &format!("{} does not take a sample", self.wish.write_url()),
                &state,
            )
            .await?;
        };
        let mut wait = Wait::begin(format!("{} answers it", self.wish.read_host));
        loop {
            let question = sample::question(cluster);
            let answer = read
                .ask(Self::read(&self.credentials.read, &question))
                .await;
            let state = match answer {
                Ok(answer) if answer.status.is_success() => match sample::answered(&answer.body) {
                    Some(values) => match values.iter().find(|(found, _)| *found >= value) {
                        Some((_, tenant)) => return self.of_tenant(tenant.as_deref()),
                        None if values.is_empty() => "the answer is empty".to_owned(),
                        None => "the answer is an older sample".to_owned(),
                    },
                    None => format!("it is no answer of Query's: {}", answer.words()),
                },
                Ok(answer) => said(&answer),
                Err(words) => words,
            };
            let what = format!("https://{} does not answer the sample", self.wish.read_host);
            self.again(&mut wait, ui, &what, &state).await?;
        }
    }

    fn of_tenant(&self, tenant: Option<&str>) -> Result<String, Failure> {
        let (user, host) = (&self.credentials.write.user, &self.wish.read_host);
        match tenant {
            Some(tenant) if tenant == user => Ok(format!(
                "a sample that {user} wrote through {} was answered by {host} as tenant {tenant}",
                self.wish.write_host
            )),
            other => {
                let message = format!("the sample of {user} was filed under another tenant");
                Err(lost(message).because(format!("tenant_id is {}", other.unwrap_or("absent"))))
            }
        }
    }

    async fn again(
        &self,
        wait: &mut Wait,
        ui: &mut Ui<'_>,
        what: &str,
        state: &str,
    ) -> Result<(), Failure> {
        if self.patience.is_over(wait.began.elapsed(), PATIENCE) {
            let labels = "app.kubernetes.io/component=receive-router";
            return Err(lost(what).because(state).hint(format!(
                "kubectl logs -n {} -l {labels}",
                self.wish.namespace
            )));
        }
        wait.rest(ui, state, AGAIN).await;
        Ok(())
    }

    /// Neither host takes a password that was never given out, nor the one of the other.
    pub(crate) async fn closed(&self) -> Result<String, Failure> {
        let wrong = Hidden::generate()?;
        let (write, read) = (
            self.https(&self.wish.write_host)?,
            self.https(&self.wish.read_host)?,
        );
        let question = sample::question(&self.wish.cluster);
        let reader = Credential {
            user: self.credentials.read.user.clone(),
            password: wrong.clone(),
        };
        let writer = &self.credentials.write;
        let mut asked = vec![
            (
                "a wrong password",
                &self.wish.write_host,
                &write,
                Self::write(&writer.user, &wrong, Vec::new()),
            ),
            (
                "a wrong password",
                &self.wish.read_host,
                &read,
                Self::read(&reader, &question),
            ),
        ];
        // Whoever keeps the users elsewhere may have one set of them.
        let is_apart = self.wish.ingress != HubIngress::GatewayApi;
        if is_apart {
            let reader = &self.credentials.read;
            asked.extend([
                (
                    "the reader's password",
                    &self.wish.write_host,
                    &write,
                    Self::write(&reader.user, &reader.password, Vec::new()),
                ),
                (
                    "the writer's password",
                    &self.wish.read_host,
                    &read,
                    Self::read(writer, &question),
                ),
            ]);
        }
        for (whose, host, https, asked) in asked {
            let answer = https.ask(asked).await.map_err(|words| {
                lost(format!("{host} could not be asked with {whose}")).because(words)
            })?;
            if answer.status != StatusCode::UNAUTHORIZED {
                let message = format!("{host} does not refuse {whose}");
                return Err(Failure::failed(message)
                    .code(codes::GATEWAY_OPEN)
                    .because(said(&answer))
                    .hint("kubectl get securitypolicy,httproute -A"));
            }
        }
        Ok(if is_apart {
            "a wrong password is refused for writes and for reads, and so is the other host's"
        } else {
            "a wrong password is refused for writes and for reads"
        }
        .to_owned())
    }

    fn write<'a>(user: &'a str, password: &'a Hidden, body: Vec<u8>) -> Asked<'a> {
        Asked {
            method: Method::POST,
            path: "/api/v1/receive",
            user,
            password,
            headers: &sample::HEADERS,
            body,
        }
    }

    fn read<'a>(reader: &'a Credential, question: &'a str) -> Asked<'a> {
        Asked {
            method: Method::GET,
            path: question,
            user: &reader.user,
            password: &reader.password,
            headers: &[],
            body: Vec::new(),
        }
    }

    /// Whether both hosts lead to the gateway, as seen from here.
    pub(crate) async fn names(&self) -> Result<String, Failure> {
        let gateway = resolved(self.address).await.unwrap_or_default();
        let mut wrong = Vec::new();
        for host in [&self.wish.write_host, &self.wish.read_host] {
            match resolved(host).await {
                Err(words) => wrong.push(format!("{host}: {words}")),
                Ok(found) if found.is_disjoint(&gateway) => {
                    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                    wrong.push(format!("{host} leads to {}", found.join(", ")));
                }
                Ok(_) => {}
            }
        }
        if wrong.is_empty() {
            return Ok(format!(
                "{} and {} lead to the gateway",
                self.wish.write_host, self.wish.read_host
            ));
        }
        let message = format!(
            "the hub's hosts do not lead to its gateway at {}",
            self.address
        );
        let failure = Failure::failed(message).code(codes::DNS_UNRESOLVED);
        let failure = wrong.into_iter().fold(failure, Failure::because);
        Err(self.records().into_iter().fold(failure, Failure::hint))
    }

    /// The records to make.
    fn records(&self) -> Vec<String> {
        let address = self
            .address
            .rsplit_once(':')
            .map_or(self.address, |(host, port)| {
                if port.parse::<u16>().is_ok() && !host.contains(':') {
                    host
                } else {
                    self.address
                }
            });
        let sort = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => "A",
            Ok(IpAddr::V6(_)) => "AAAA",
            Err(_) => "CNAME",
        };
        let suffix = self.wish.domain.as_ref().map(|domain| format!(".{domain}"));
        let below = |host: &String| suffix.as_ref().is_some_and(|suffix| host.ends_with(suffix));
        match &self.wish.domain {
            Some(domain) if below(&self.wish.write_host) && below(&self.wish.read_host) => {
                vec![format!("make the record *.{domain} {sort} {address}")]
            }
            _ => [&self.wish.write_host, &self.wish.read_host]
                .map(|host| format!("make the record {host} {sort} {address}"))
                .to_vec(),
        }
    }
}

async fn resolved(host: &str) -> Result<BTreeSet<IpAddr>, String> {
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() && !name.contains(':') => name,
        _ => host,
    };
    if let Ok(address) = bare.parse() {
        return Ok([address].into());
    }
    let found = tokio::time::timeout(RESOLVED, tokio::net::lookup_host((bare, 443))).await;
    let found =
        found.map_err(|_| format!("no resolver answers within {} s", RESOLVED.as_secs()))?;
    let found: BTreeSet<IpAddr> = found
        .map_err(|error| error.to_string())?
        .map(|address| address.ip())
        .collect();
    Ok(found)
}

fn said(answer: &Answer) -> String {
    match answer.words() {
        words if words.is_empty() => answer.status.to_string(),
        words => format!("{}: {words}", answer.status),
    }
}

fn lost(message: impl Into<String>) -> Failure {
    Failure::failed(message).code(codes::SAMPLE_LOST)
}

#[cfg(test)]
mod tests {
    use super::super::credentials::{Kept, plan};
    use super::super::plan::tests::wish;
    use super::*;

    #[tokio::test]
    async fn the_record_to_make_is_named() {
        let mut wish = wish();
        let credentials = plan(&wish, &Kept::default()).unwrap();
        wish.write_host = "receive.invalid".to_owned();
        wish.read_host = "localhost".to_owned();
        let route = |address| Route {
            wish: &wish,
            credentials: &credentials,
            address,
            patience: Patience {
                given: None,
                is_timed: false,
            },
        };
        let failure = route("10.1.2.3:8443").names().await.unwrap_err();
        assert_eq!(failure.code, Some(codes::DNS_UNRESOLVED));
        assert_eq!(failure.causes.len(), 2, "{failure:?}");
        assert_eq!(
            failure.hints,
            [
                "make the record receive.invalid A 10.1.2.3",
                "make the record localhost A 10.1.2.3"
            ]
        );
        let mut other = wish.clone();
        (other.write_host, other.read_host) = (
            "receive.example.com".to_owned(),
            "query.example.com".to_owned(),
        );
        let route = Route {
            wish: &other,
            ..route("lb.example.net")
        };
        assert_eq!(
            route.records(),
            ["make the record *.example.com CNAME lb.example.net"]
        );
    }
}
