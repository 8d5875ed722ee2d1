//! A service with a script, for tests of everything that sends: answers as told, faults included, and
//! remembers what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{Clock, Interrupted};

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Decoded pairs, in order.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `GET /path`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the service does when asked.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Of the body, only so many bytes are sent before the connection ends.
    cut: Option<usize>,
    silent: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "application/json", body.into().into_bytes())
    }

    pub(crate) fn html(status: u16) -> Self {
        Self::of(status, "text/html", b"<html><body>please wait</body></html>".to_vec())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), cut: None, silent: false }
    }

    /// Takes the request and closes the connection without an answer.
    pub(crate) fn none() -> Self {
        Self { silent: true, ..Self::empty(0) }
    }

    pub(crate) fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.header("content-type", content_type)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Promises the whole body, sends so many bytes of it and closes the connection.
    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }
}

type Handler = dyn Fn(&Received) -> Answer + Send + Sync;

/// The service. Lives until dropped.
pub(crate) struct Script {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Received>>>,
    over: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Script {
    /// Gives these answers in order; anything asked after the last one gets a 500 of its own.
    pub(crate) fn answers(answers: impl IntoIterator<Item = Answer>) -> Self {
        let left: Mutex<VecDeque<Answer>> = Mutex::new(answers.into_iter().collect());
        Self::serve(move |_| left.lock().pop_front().unwrap_or_else(|| Answer::json(500, r#"{"script":"is over"}"#)))
    }

    /// Answers as the function says, on as many connections as are made.
    pub(crate) fn serve(handler: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let handler: Arc<Handler> = Arc::new(handler);
        let (log, stop) = (Arc::clone(&asked), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || converse(connection.unwrap(), &log, &*handler));
            }
        });
        Self { address, asked, over, listener: Some(thread) }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything asked so far, in the order it arrived.
    pub(crate) fn asked(&self) -> Vec<Received> {
        self.asked.lock().clone()
    }

    /// `GET /path` of everything asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Received::line).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

/// An address where nobody listens.
pub(crate) fn nobody_there() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn converse(stream: TcpStream, log: &Mutex<Vec<Received>>, handler: &Handler) {
    stream.set_nodelay(true).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        log.lock().push(asked.clone());
        let answer = handler(&asked);
        if answer.silent {
            return;
        }
        let mut message = format!("HTTP/1.1 {} Scripted\r\n", answer.status).into_bytes();
        for (name, value) in &answer.headers {
            message.extend(format!("{name}: {value}\r\n").bytes());
        }
        if answer.status != 204 && answer.status != 304 {
            message.extend(format!("content-length: {}\r\n", answer.body.len()).bytes());
        }
        message.extend(b"\r\n");
        message.extend(&answer.body[..answer.cut.unwrap_or(answer.body.len())]);
        if writer.write_all(&message).is_err() || answer.cut.is_some() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = url::Url::parse("http://script").unwrap().join(&target).ok()?;
    let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Some(Received { method, path: url.path().to_owned(), query, headers, body })
}

/// Time that passes only while somebody waits for it.
#[derive(Debug, Default)]
pub(crate) struct FakeClock {
    waits: Mutex<Vec<Duration>>,
    patience: Mutex<Option<Duration>>,
}

impl FakeClock {
    /// The process is asked to stop after so much waiting.
    pub(crate) fn interrupted_after(&self, patience: Duration) {
        *self.patience.lock() = Some(patience);
    }

    /// Every wait, in order.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.waits.lock().clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        self.waits.lock().iter().sum()
    }

    fn sleep(&self, wait: Duration) -> Result<(), Interrupted> {
        self.waits.lock().push(wait);
        let enough = *self.patience.lock();
        if enough.is_some_and(|patience| self.now() > patience) { Err(Interrupted) } else { Ok(()) }
    }

    fn moment(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000) + self.now()
    }
}
