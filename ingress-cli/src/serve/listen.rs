//! Sockets that listen.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::place::Place;

/// Connections that the kernel takes while nobody accepts them; it has a limit of its own besides.
const BACKLOG: i32 = 4096;

/// One address, with a socket for each worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) sockets: Vec<TcpListener>,
}

/// Who else may listen at an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sharing {
    /// How many sockets there are for each address.
    pub(super) sockets: usize,
    /// Whether other processes may listen there, too.
    pub(super) with_others: bool,
}

/// Listens at all of these places; or says which one cannot be had.
pub(super) fn listen(places: &[Place], option: &str, sharing: Sharing) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    for place in places {
        let failed = |address: SocketAddr, error: io::Error| {
            let help = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    format!("; {option} ADDR listens elsewhere, and {option} off nowhere")
                }
                io::ErrorKind::PermissionDenied => "; ports below 1024 are for the privileged".to_owned(),
                _ => String::new(),
            };
            format!("cannot listen at {address}: {error}{help}")
        };
        match place {
            Place::Off => {}
            Place::At(address) => {
                listeners.push(open(*address, sharing).map_err(|error| failed(*address, error))?);
            }
            Place::Any(addresses) => {
                let before = listeners.len();
                let mut last = None;
                for address in addresses {
                    match open(*address, sharing) {
                        Ok(listener) => listeners.push(listener),
                        // A machine without one of the families is no mistake. A port that is taken is one.
                        Err(error) if is_absent(&error) => last = Some((*address, error)),
                        Err(error) => return Err(failed(*address, error)),
                    }
                }
                if let Some((address, error)) = last.filter(|_| listeners.len() == before) {
                    return Err(failed(address, error));
                }
            }
        }
    }
    Ok(listeners)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        // "Address family not supported" has no kind of its own in std.
        || error.raw_os_error() == Some(97)
}

fn open(address: SocketAddr, sharing: Sharing) -> io::Result<Listener> {
    let shared = sharing.with_others || sharing.sockets > 1;
    if shared && !sharing.with_others && address.port() != 0 {
        // Sockets that share an address would share it with another process of this program, too: a
        // second start would go unnoticed. One that shares with nobody finds out.
        drop(socket(address, false)?);
    }
    let first = socket(address, shared)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..sharing.sockets {
        sockets.push(socket(address, shared)?);
    }
    Ok(Listener { address, sockets })
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Both families are listened for by sockets of their own.
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    {
        // A port may be had again at once after a restart.
        socket.set_reuse_address(true)?;
        if shared {
            socket.set_reuse_port(true)?;
        }
    }
    #[cfg(not(unix))]
    if shared {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "sockets cannot share an address here"));
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Sharing = Sharing { sockets: 1, with_others: false };

    fn at(address: SocketAddr) -> [Place; 1] {
        [Place::At(address)]
    }

    #[test]
    fn several_sockets_share_an_address_and_nobody_else_does() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let three = Sharing { sockets: 3, with_others: false };
        let listeners = listen(&at(any), "--http", three).unwrap();
        let taken = listeners[0].address;
        assert_eq!(listeners[0].sockets.len(), 3);
        assert!(listeners[0].sockets.iter().all(|socket| socket.local_addr().unwrap() == taken));
        for sharing in [ALONE, three] {
            let error = listen(&at(taken), "--http", sharing).unwrap_err();
            assert!(error.contains("cannot listen at 127.0.0.1:") && error.contains("--http off"), "{error}");
        }
    }

    #[test]
    fn processes_that_share_do_so_knowingly() {
        let sharing = Sharing { sockets: 1, with_others: true };
        let first = listen(&at("127.0.0.1:0".parse().unwrap()), "--http", sharing).unwrap();
        assert!(listen(&at(first[0].address), "--http", sharing).is_ok());
        assert!(listen(&at(first[0].address), "--http", ALONE).is_err());
    }
}
