//! The edge between sockets and simulated systems. Nothing here knows what a system answers.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::serve::ListenerExt as _;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::page;
use super::pause::{Gate, When};
use super::people;
use super::world::{Delivery, World};
use crate::http::Method;
use crate::simulation::{Preparation, SandboxRequest, SandboxResponse};

/// The most bytes of a request body: the largest document of Personio with what surrounds it.
const MAX_BODY: usize = 32 << 20;
/// How long requests that are under way may take after a stop.
const WIND_DOWN: Duration = Duration::from_secs(2);

/// Listens on a loopback address.
pub(super) fn listen(address: IpAddr, port: Option<u16>) -> anyhow::Result<TcpListener> {
    anyhow::ensure!(
        address.is_loopback(),
        "the sandbox holds no real security and listens on loopback addresses only, not on {address}"
    );
    let address = SocketAddr::new(address, port.unwrap_or_default());
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; try another port, or none for any that is free"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until told to stop.
#[expect(clippy::disallowed_methods, reason = "simulated systems live by the time of this machine")]
pub(super) fn serve(listener: TcpListener, world: Arc<World>, stop: Arc<Notify>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sandbox")
        .enable_io()
        .enable_time()
        .build()?;
    let server = Server { world, started: Instant::now() };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            // Small answers must not wait for each other; without this the system works, only slower.
            let _ = stream.set_nodelay(true);
        });
        let router = axum::Router::new().fallback(receive).with_state(server);
        let winding_down = Arc::new(Notify::new());
        let signal = Arc::clone(&winding_down);
        let server = axum::serve(listener, router).with_graceful_shutdown(async move { signal.notified().await });
        let task = tokio::spawn(async move { server.await });
        stop.notified().await;
        winding_down.notify_one();
        let _ = tokio::time::timeout(WIND_DOWN, task).await;
        Ok::<(), anyhow::Error>(())
    })?;
    runtime.shutdown_background();
    Ok(())
}

#[derive(Clone)]
struct Server {
    world: Arc<World>,
    started: Instant,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "simulated systems live by the time of this machine")]
    fn moment(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

async fn receive(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return send(SandboxResponse::empty(413), Delivery::Whole);
    };
    let Some(method) = method(parts.method.as_str()) else {
        return send(SandboxResponse::empty(405), Delivery::Whole);
    };
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let query = parts.uri.query().unwrap_or_default();
    let request = SandboxRequest {
        method,
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: body.to_vec(),
        base_url: server.world.info.base_url.clone(),
        at: server.started.elapsed(),
        moment: server.moment(),
    };
    let gate = gate(&server.world, &request);
    let number = gate.as_ref().map(|gate| gate.count());
    if let (Some(gate), Some(number)) = (&gate, number)
        && !gate.pass(number, When::Before).await
    {
        return send(SandboxResponse::empty(503), Delivery::Lost);
    }
    let (response, delivery, latency) = route(&server.world, request, query);
    if let (Some(gate), Some(number)) = (&gate, number)
        && !gate.pass(number, When::After).await
    {
        return send(response, Delivery::Lost);
    }
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    send(response, delivery)
}

fn method(name: &str) -> Option<Method> {
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.as_str() == name)
}

/// What keeps a write waiting, if anything does.
fn gate(world: &World, request: &SandboxRequest) -> Option<Arc<Gate>> {
    let (name, rest) = request.path.trim_start_matches('/').split_once('/')?;
    let gate = world.gate(name)?;
    let below = SandboxRequest { path: format!("/{rest}"), ..request.clone() };
    world.writes(name, &below).then_some(gate)
}

/// Finds who answers: the sandbox itself, or one of its systems.
fn route(world: &World, mut request: SandboxRequest, query: &str) -> (SandboxResponse, Delivery, Duration) {
    let own = match (request.method, request.path.as_str()) {
        (Method::Get, "/") => {
            Some(SandboxResponse::html(200, page::render(world, request.query_value("said"))).with_header(
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'",
            ))
        }
        (Method::Get, "/sandbox.json") => Some(SandboxResponse::json_text(200, to_json(&world.info))),
        (Method::Get, "/requests") => Some(SandboxResponse::json_text(200, to_json(&*world.log.lock()))),
        (Method::Delete, "/requests") => {
            world.log.lock().clear();
            Some(SandboxResponse::empty(204))
        }
        (Method::Post, "/prepare") => Some(match serde_json::from_slice::<Preparation>(&request.body) {
            Ok(preparation) => {
                world.prepare(&preparation);
                SandboxResponse::empty(204)
            }
            Err(error) => SandboxResponse::json(400, &serde_json::json!({"error": error.to_string()})),
        }),
        _ => people::receive(world, &request),
    };
    if let Some(response) = own {
        return (response, Delivery::Whole, Duration::ZERO);
    }
    let path = std::mem::take(&mut request.path);
    let (name, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    request.path = format!("/{rest}");
    request.base_url = format!("{}/{name}", request.base_url);
    match world.exchange(name, &request, query) {
        Some(answer) => (answer.response, answer.delivery, answer.latency),
        None => {
            let text = "<!doctype html><title>Nothing here</title><p>Nothing is here. The <a href=\"/\">front page</a> \
                        lists what is.";
            (SandboxResponse::html(404, text.into()), Delivery::Whole, Duration::ZERO)
        }
    }
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data that is JSON")
}

fn send(answer: SandboxResponse, delivery: Delivery) -> Response {
    // An answer that never has a body would be whole without one.
    let status = if delivery != Delivery::Whole && answer.status == 204 { 200 } else { answer.status };
    let mut builder = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
    for (name, value) in &answer.headers {
        builder = builder.header(*name, value);
    }
    let length = answer.body.len();
    let body = match delivery {
        Delivery::Whole => Body::from(answer.body),
        Delivery::Cut => {
            builder = builder.header("content-length", length.max(1));
            let half = Bytes::copy_from_slice(&answer.body[..length / 2]);
            Body::new(Broken { sent: Some(half), step: 0 })
        }
        Delivery::Lost => {
            builder = builder.header("content-length", length.max(1));
            Body::new(Broken { sent: None, step: 2 })
        }
    };
    builder.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// A body that breaks off. A server has no other way to close a connection: an error of the body makes it
/// drop what it has not flushed yet, the head of the answer included.
struct Broken {
    sent: Option<Bytes>,
    step: u8,
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.step += 1;
        match (self.step, self.sent.take()) {
            (1, Some(half)) => Poll::Ready(Some(Ok(http_body::Frame::data(half)))),
            // Waiting once lets the server flush what came before.
            (1 | 2, _) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(std::io::Error::other("the sandbox breaks this answer off on purpose")))),
        }
    }
}
