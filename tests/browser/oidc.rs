//! Signing in at an identity provider that is not ours: a certified one, with its own pages for signing in and for consent. The
//! tests of the server forge what a provider would never send; here it is seen that what a real one sends lets people in.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::browser::{Browser, Scripts};
use crate::company::Console;
use crate::support::{new_folder, node_packages};

/// What the console calls itself at the provider.
const CLIENT: &str = "flight-risk";
/// What the provider and the console share.
const SECRET: &str = "a secret of the tests/+=";

/// The provider as a process.
#[derive(Debug)]
struct Provider {
    child: Child,
    issuer: String,
}

impl Provider {
    /// Starts it for a console; its tokens are for this audience.
    fn start(redirect: &str, audience: &str) -> Self {
        let folder = new_folder("provider");
        std::os::unix::fs::symlink(node_packages().join("node_modules"), folder.join("node_modules")).expect("a link");
        std::fs::write(folder.join("provider.mjs"), include_str!("provider.mjs")).expect("a program");
        let mut node = Command::new("node");
        node.args(["provider.mjs", redirect, audience]).current_dir(&folder);
        let mut child = node.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Node.js is there");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let issuer = lines.next().unwrap_or_default();
        assert!(issuer.starts_with("http://"), "the provider does not start: {issuer:?}");
        // Read on: it writes more, and would end where nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, issuer }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A console whose people sign in at a provider that gives tokens for an audience, with this secret.
fn console(audience: &str, secret: &str) -> (Console, Provider) {
    // The provider must know where the console is before there is one: a port that was free a moment ago.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let address: SocketAddr = free.expect("a free port");
    let redirect = format!("http://{address}/sign-in/return");
    let provider = Provider::start(&redirect, audience);
    let file = new_folder("secret").join("client-secret");
    std::fs::write(&file, secret).expect("a file");
    let config = format!(
        "[console.oidc]\nissuer = '{}'\nclient_id = '{CLIENT}'\nclient_secret_file = '{}'\nredirect_url = '{redirect}'\n\
         algorithm = 'RS256'\nrole_claim = 'groups'\nscopes = 'openid groups'\n\
         [console.oidc.groups]\nhr_partner = 'HR partners'\nanalyst = 'Analysts'\n",
        provider.issuer,
        file.display()
    );
    (Console::start_at(address, &config), provider)
}

/// Leaves for the provider.
async fn leave(console: &Console, provider: &Provider) -> Browser {
    let browser = console.browser(Scripts::On).await;
    browser.open("/at-risk").await;
    browser.press("Sign in with your company account").await;
    assert!(browser.url().await.starts_with(&provider.issuer), "{}", browser.url().await);
    browser
}

/// Fills in the provider's form, and agrees on its next page to what the console is told.
async fn agree(browser: &Browser, name: &str) {
    for (field, value) in [("login", name), ("password", "the provider takes any")] {
        browser.one(&format!("[name={field}]")).await.send_keys(value).await.expect("a field");
    }
    browser.press("Sign-in").await;
    browser.press("Continue").await;
}

#[tokio::test]
async fn people_of_a_real_provider_sign_in_with_the_roles_that_it_tells() {
    let (console, provider) = console(CLIENT, SECRET);
    for (name, role, first) in [("pat", "HR partner", "/at-risk"), ("ana", "People analyst", "")] {
        let browser = leave(&console, &provider).await;
        agree(&browser, name).await;
        let who = browser.texts(".whoami .who").await.join(" ");
        assert!(who.contains(name) && who.contains(role), "{name}: {who:?}\n{}", browser.text().await);
        if !first.is_empty() {
            assert_eq!(browser.path().await, first, "where they wanted to go");
        }
        browser.press("Sign out").await;
        assert!(!browser.has(".whoami").await);
    }
}

#[tokio::test]
async fn whom_a_real_provider_does_not_send_with_all_that_it_takes_is_not_let_in() {
    let (console, provider) = console(CLIENT, SECRET);
    // Known there, and of no group that counts here.
    let browser = leave(&console, &provider).await;
    agree(&browser, "noel").await;
    let text = browser.text().await;
    assert!(text.contains("nobody has said what you may see here") && !browser.has(".whoami").await, "{text}");
    // Who does not sign in there.
    let browser = leave(&console, &provider).await;
    browser.press("[ Cancel ]").await;
    let text = browser.text().await;
    assert!(text.contains("you did not agree there") && !browser.has(".whoami").await, "{text}");
    // Where somebody came back to, once more.
    let browser = leave(&console, &provider).await;
    agree(&browser, "pat").await;
    browser.press("Sign out").await;
    browser.open("/sign-in/return?code=xyz&state=xyz").await;
    assert!(browser.text().await.contains("Begin again") && !browser.has(".whoami").await);
}

#[tokio::test]
async fn tokens_of_a_real_provider_for_somebody_else_and_a_wrong_secret_let_nobody_in() {
    for (audience, secret, why) in
        [("another", SECRET, "another audience"), (CLIENT, "another secret", "refuses the code: invalid_client")]
    {
        let (console, provider) = console(audience, secret);
        let browser = leave(&console, &provider).await;
        agree(&browser, "pat").await;
        assert!(browser.path().await.starts_with("/sign-in"), "{audience} {secret}");
        assert!(browser.has("[role=alert]").await && !browser.has(".whoami").await, "{}", browser.text().await);
        let log = console.server.log();
        assert!(log.contains(why) && !log.contains(secret), "{log}");
    }
}
