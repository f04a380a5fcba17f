//! Names to addresses: the fixed table first, then the system's resolver (hosts file, `resolv.conf` and whatever else the
//! machine is set up with), bounded in time, in number and in memory.
//!
//! The system's resolver blocks a thread for as long as it likes. So many may be blocked at once and no more; whoever asks
//! waits for a bounded time, and what comes later is kept for the next. Those who ask for one name share one question.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::UpstreamError;
use super::past::Past;
use crate::flow::Host;
use crate::limits;

/// All addresses of a name, or why there are none.
type Found = Result<Arc<[IpAddr]>, Arc<str>>;
type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// The resolver of one configuration.
pub(super) struct Resolver {
    fixed: HashMap<Arc<str>, Vec<IpAddr>>,
    known: Arc<Known>,
    /// Leaves to block a thread.
    seats: Arc<Semaphore>,
    lookup: Arc<Lookup>,
}

/// What is known of names, and what is being asked.
struct Known {
    answers: Cache<Arc<str>, (Found, Instant)>,
    past: Past,
    asking: Mutex<HashMap<Arc<str>, Asking>>,
}

/// A question that is under way.
struct Asking {
    answer: watch::Receiver<Option<Found>>,
    since: Instant,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("fixed", &self.fixed).finish_non_exhaustive()
    }
}

fn system(name: &str) -> io::Result<Vec<IpAddr>> {
    // One entry a kind of socket comes back; the order is the system's choice (RFC 6724).
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (name, 0).to_socket_addrs()?.map(|address| address.ip()) {
        if !found.contains(&address) && found.len() < limits::RESOLVE_ADDRESSES {
            found.push(address);
        }
    }
    Ok(found)
}

impl Resolver {
    pub(super) fn new(fixed: HashMap<Arc<str>, Vec<IpAddr>>) -> Self {
        Resolver::by(fixed, Arc::new(system))
    }

    fn by(fixed: HashMap<Arc<str>, Vec<IpAddr>>, lookup: Arc<Lookup>) -> Self {
        let answers = Cache::new(limits::RESOLVE_CACHE);
        Resolver {
            fixed,
            known: Arc::new(Known { answers, past: Past::new(), asking: Mutex::default() }),
            seats: Arc::new(Semaphore::new(limits::RESOLVERS)),
            lookup,
        }
    }

    /// All addresses of a host, in the resolver's order; at least one.
    pub(super) async fn resolve(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, UpstreamError> {
        let name = match host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => name,
        };
        let with_port = |found: &[IpAddr]| found.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        if let Some(fixed) = self.fixed.get(&**name) {
            return Ok(with_port(fixed));
        }
        let fault =
            |reason: String, timed_out| UpstreamError::Resolve { host: host.clone(), reason, timed_out };
        match timeout(limits::RESOLVE_TIMEOUT, self.ask(name)).await {
            Ok(Some(Ok(found))) => Ok(with_port(&found)),
            Ok(Some(Err(why))) => Err(fault(why.to_string(), false)),
            Ok(None) | Err(_) => {
                let why = format!("no answer within {} s", limits::RESOLVE_TIMEOUT.as_secs());
                Err(fault(why, true))
            }
        }
    }

    /// Whether a name leads to an address, or did of late. Where the answer that is kept says otherwise it is asked for
    /// once more: a service of many addresses tells each who asks some of them.
    pub(super) async fn leads_to(&self, host: &Host, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let has = |found: Result<Vec<SocketAddr>, _>| {
            found.is_ok_and(|found| found.iter().any(|found| found.ip().to_canonical() == ip))
        };
        if has(self.resolve(host, address.port()).await) {
            return true;
        }
        let Host::Name(name) = host else { return false };
        if self.known.past.has_led(name, ip) {
            return true;
        }
        let is_old = |(_, until): (Found, Instant)| {
            until < Instant::now() + limits::RESOLVE_LIFE - limits::RESOLVE_ANEW
        };
        if self.fixed.contains_key(&**name) || !self.known.answers.get(&**name).is_none_or(is_old) {
            return false;
        }
        self.forget(host);
        has(self.resolve(host, address.port()).await)
    }

    /// What was found of this name led nowhere: it is asked for anew.
    pub(super) fn forget(&self, host: &Host) {
        if let Host::Name(name) = host {
            self.known.answers.remove(&**name);
        }
    }

    /// `None`: it could not even be asked in time.
    async fn ask(&self, name: &Arc<str>) -> Option<Found> {
        if let Some((found, until)) = self.known.answers.get(&**name)
            && Instant::now() < until
        {
            return Some(found);
        }
        let mut answer = match self.known.join(name) {
            Ok(answer) => answer,
            Err(question) => self.begin(name, question),
        };
        answer.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Asks, in the name of all who want to know. The question outlives whoever asked first.
    fn begin(&self, name: &Arc<str>, question: Question) -> watch::Receiver<Option<Found>> {
        let answer = question.sender.subscribe();
        let (seats, lookup) = (Arc::clone(&self.seats), Arc::clone(&self.lookup));
        let (known, name) = (Arc::clone(&self.known), Arc::clone(name));
        tokio::spawn(async move {
            let question = question;
            // Whoever waits longer than a lookup may take has gone; so has the need to ask.
            let Ok(Ok(seat)) = timeout(limits::RESOLVE_TIMEOUT, seats.acquire_owned()).await else { return };
            let (asked, began) = (Arc::clone(&name), Instant::now());
            let found = tokio::task::spawn_blocking(move || {
                let found = lookup(&asked);
                drop(seat);
                found
            });
            let found: Found = match found.await {
                Ok(Ok(found)) if found.is_empty() => Err("name has no address".into()),
                Ok(Ok(found)) => Ok(found.into()),
                Ok(Err(error)) => Err(error.to_string().into()),
                Err(_) => return,
            };
            let life = if found.is_ok() { limits::RESOLVE_LIFE } else { limits::RESOLVE_LIFE_NONE };
            // A refusal that took long is nobody's answer: a name server was not there.
            if let Ok(found) = &found {
                known.past.note(&name, found);
            }
            if found.is_ok() || began.elapsed() < limits::RESOLVE_AGAIN {
                known.answers.insert(name, (found.clone(), Instant::now() + life));
            }
            question.sender.send_replace(Some(found));
        });
        answer
    }
}

/// The right to ask for a name. When it ends, answered or not, others may ask again.
struct Question {
    sender: watch::Sender<Option<Found>>,
    name: Arc<str>,
    known: Arc<Known>,
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut asking = self.known.lock();
        let own = self.sender.subscribe();
        if asking.get(&self.name).is_some_and(|asking| asking.answer.same_channel(&own)) {
            asking.remove(&self.name);
        }
    }
}

impl Known {
    /// The question that is under way, or else the right to ask it. One that is under way for long may be waiting for a
    /// name server that was not there and is now: another is asked beside it.
    fn join(self: &Arc<Self>, name: &Arc<str>) -> Result<watch::Receiver<Option<Found>>, Question> {
        let mut asking = self.lock();
        if let Some(Asking { answer, since }) = asking.get(name)
            && since.elapsed() < limits::RESOLVE_AGAIN
        {
            return Ok(answer.clone());
        }
        let (sender, answer) = watch::channel(None);
        asking.insert(Arc::clone(name), Asking { answer, since: Instant::now() });
        Err(Question { sender, name: Arc::clone(name), known: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Asking>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn host(name: &str) -> Host {
        name.parse().unwrap()
    }

    /// Counts what it is asked; `dead.test` has no address, and `late.test` takes until it is told.
    fn counted() -> (Resolver, Arc<AtomicUsize>, mpsc::Sender<()>) {
        let (asked, (go, wait)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
        let (count, wait) = (Arc::clone(&asked), Mutex::new(wait));
        let lookup = move |name: &str| {
            count.fetch_add(1, Ordering::SeqCst);
            if name.starts_with("late") {
                wait.lock().unwrap().recv().unwrap();
            }
            if name == "dead.test" {
                return Err(io::Error::other("no such name"));
            }
            Ok(vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()])
        };
        let fixed = HashMap::from([("fixed.test".into(), vec![[192, 0, 2, 9].into()])]);
        (Resolver::by(fixed, Arc::new(lookup)), asked, go)
    }

    #[tokio::test]
    async fn answers_are_kept_for_a_while_and_refusals_for_a_moment() {
        let (resolver, asked, _go) = counted();
        let two: Vec<SocketAddr> = vec!["192.0.2.1:7".parse().unwrap(), "192.0.2.2:7".parse().unwrap()];
        for _ in 0..3 {
            assert_eq!(resolver.resolve(&host("a.test"), 7).await.unwrap(), two);
            let error = resolver.resolve(&host("dead.test"), 7).await.unwrap_err();
            assert!(error.to_string().contains("no such name"), "{error}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let fixed = resolver.resolve(&host("fixed.test"), 7).await.unwrap();
        assert_eq!((fixed.len(), asked.load(Ordering::SeqCst)), (1, 2));
        tokio::time::pause();
        tokio::time::advance(limits::RESOLVE_LIFE_NONE).await;
        tokio::time::resume();
        resolver.resolve(&host("a.test"), 7).await.unwrap();
        resolver.resolve(&host("dead.test"), 7).await.unwrap_err();
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        resolver.forget(&host("a.test"));
        resolver.resolve(&host("a.test"), 7).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 4);
        assert!(limits::RESOLVE_LIFE_NONE <= std::time::Duration::from_secs(6));
    }

    #[tokio::test]
    async fn a_name_leads_wherever_it_led_of_late() {
        tokio::time::pause();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // Each answer is another one, as those of large services are.
        let lookup = move |_: &str| {
            let number = u8::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap();
            Ok(vec![[192, 0, 2, number].into()])
        };
        let resolver = Resolver::by(HashMap::new(), Arc::new(lookup));
        let name = host("cdn.test");
        let leads = |number: u8| {
            let (resolver, name) = (&resolver, &name);
            async move { resolver.leads_to(name, SocketAddr::from(([192, 0, 2, number], 443))).await }
        };
        assert!(leads(0).await);
        assert!(!leads(1).await, "it was asked for just now");
        tokio::time::advance(limits::RESOLVE_ANEW * 2).await;
        assert!(leads(1).await, "another question");
        assert!(leads(0).await, "it led there");
        assert!(!leads(9).await);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        tokio::time::advance(limits::RESOLVE_PAST).await;
        assert!(!leads(0).await, "that was long ago");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn those_who_ask_for_one_name_share_one_question_that_outlives_them() {
        let (resolver, asked, go) = counted();
        let late = host("late.test");
        {
            let first = resolver.resolve(&late, 7);
            let second = resolver.resolve(&late, 7);
            tokio::select! {
                _ = first => panic!("nobody answered"),
                _ = second => panic!("nobody answered"),
                () = async { while asked.load(Ordering::SeqCst) == 0 { tokio::task::yield_now().await } } => {}
            }
        }
        go.send(()).unwrap();
        assert_eq!(resolver.resolve(&late, 7).await.unwrap().len(), 2);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(resolver.known.lock().is_empty());
    }

    #[tokio::test]
    async fn a_question_that_nobody_answers_is_asked_again() {
        let (resolver, asked, go) = counted();
        let resolver = Arc::new(resolver);
        let ask = || {
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move { resolver.resolve(&host("late.test"), 7).await })
        };
        let began = async |times| {
            while asked.load(Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
        };
        let first = ask();
        began(1).await;
        tokio::time::pause();
        tokio::time::advance(limits::RESOLVE_AGAIN).await;
        tokio::time::resume();
        let second = ask();
        began(2).await;
        (0..2).for_each(|_| go.send(()).unwrap());
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
        assert!(resolver.known.lock().is_empty());
    }

    #[tokio::test]
    async fn so_many_names_are_asked_for_at_once_and_no_more() {
        let (resolver, asked, go) = counted();
        let resolver = Arc::new(resolver);
        let names = (0..2 * limits::RESOLVERS).map(|number| host(&format!("late{number}.test")));
        let asking: Vec<_> = names
            .map(|name| {
                let resolver = Arc::clone(&resolver);
                tokio::spawn(async move { resolver.resolve(&name, 7).await })
            })
            .collect();
        while asked.load(Ordering::SeqCst) < limits::RESOLVERS {
            tokio::task::yield_now().await;
        }
        assert_eq!(resolver.seats.available_permits(), 0);
        assert_eq!(asked.load(Ordering::SeqCst), limits::RESOLVERS);
        (0..asking.len()).for_each(|_| go.send(()).unwrap());
        for one in asking {
            assert_eq!(one.await.unwrap().unwrap().len(), 2);
        }
    }
}
