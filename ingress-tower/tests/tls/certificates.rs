//! Reading chains and keys; the store; what is printed of them.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use ingress_tower::tls::{
    Certificate, CertificateErrorKind, CertificateResolver, CertificateStore, Phase, ServerSettings,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;

use crate::authority::{Authority, Issued, folder, program};
use crate::door::{provider, read, secret, store, table};

fn kind(chain: &str, key: &str) -> CertificateErrorKind {
    let secret = secret("web-tls");
    let error = Certificate::from_pem(&secret, chain.as_bytes(), key.as_bytes(), &provider()).unwrap_err();
    assert_eq!(error.secret(), &secret);
    assert!(error.to_string().starts_with("Secret ns/web-tls: "), "{error}");
    no_key_in(&format!("{error} {error:?}"), key);
    error.kind()
}

/// That a text has nothing of a key: neither of its PEM nor of its bytes.
#[track_caller]
fn no_key_in(text: &str, key: &str) {
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        for window in line.as_bytes().windows(10) {
            let window = String::from_utf8_lossy(window);
            assert!(!text.contains(&*window), "{text}");
        }
    }
    if let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) {
        for window in key.secret_der().windows(6) {
            let numbers = format!("{window:?}");
            assert!(!text.contains(numbers.trim_matches(['[', ']'])), "{text}");
            let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.to_ascii_lowercase().contains(&hex), "{text}");
        }
    }
}

#[test]
fn what_is_no_certificate_with_its_key() {
    use CertificateErrorKind::{
        ChainTooLong, KeyMismatch, MalformedChain, MalformedKey, NoCertificate, NoKey, UnreadableCertificate,
        UnusableKey,
    };
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["shop.example"]), authority.issue(&["shop.example"]));
    let Issued { chain, key } = &one;
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let no_end = key.replace("-----END PRIVATE KEY-----", "");
    let no_line = key.replacen("-----\n", "", 1);
    let no_base64 = key.replacen('\n', "\n\u{fc}", 1);
    let bent = |text: &str| {
        // Every line but the marks is that of something else.
        let line = |line: &str| if line.starts_with('-') { format!("{line}\n") } else { "AAAA\n".to_owned() };
        text.lines().map(line).collect::<String>()
    };
    let leaf_last = authority.pem() + chain;
    for (chain, key, expected) in [
        ("", key.as_str(), NoCertificate),
        ("no PEM at all", key, NoCertificate),
        // The two entries of the Secret changed over.
        (key, chain, NoKey),
        (key, key, NoCertificate),
        (&chain.replacen("-----END CERTIFICATE-----", "", 2), key, MalformedChain),
        (&chain.replacen("-----\n", "-----\n!", 1), key, MalformedChain),
        (&chain.repeat(9), key, ChainTooLong),
        (&bent(chain), key, UnreadableCertificate),
        (chain, "", NoKey),
        (chain, chain, NoKey),
        (chain, &encrypted, NoKey),
        (chain, &no_end, MalformedKey),
        (chain, &no_line, MalformedKey),
        (chain, &no_base64, MalformedKey),
        (chain, &bent(key), UnusableKey),
        (chain, &other.key, KeyMismatch),
        (&leaf_last, key, KeyMismatch),
    ] {
        assert_eq!(kind(chain, key), expected, "{chain}");
    }
    assert_eq!(read(&secret("web-tls"), &one).chain().len(), 2);
    // Text around and sections of other kinds are none of ours.
    let noisy = Issued {
        chain: format!("subject=...\n{chain}"),
        key: format!("{chain}\n# a key\n{key}\n{}", other.key),
    };
    assert_eq!(read(&secret("web-tls"), &noisy).chain().len(), 2);
}

#[test]
fn a_key_from_elsewhere_is_checked_as_well() {
    let authority = Authority::new();
    let certificate = read(&secret("a"), &authority.issue(&["a.example"]));
    let other = read(&secret("b"), &authority.issue(&["b.example"]));
    let key = other.certified_key().key.clone();
    let with = |chain: &[_]| {
        Certificate::from_certified_key(&secret("c"), CertifiedKey::new(chain.to_vec(), key.clone()))
    };
    assert!(with(other.chain()).is_ok());
    assert_eq!(with(certificate.chain()).unwrap_err().kind(), CertificateErrorKind::KeyMismatch);
    assert_eq!(with(&[]).unwrap_err().kind(), CertificateErrorKind::NoCertificate);
}

#[test]
fn keys_in_all_their_forms() {
    let Some(openssl) = program("openssl") else { return };
    let folder = folder("forms");
    let run = |arguments: &str| {
        let mut command = Command::new(&openssl);
        command.args(arguments.split(' ')).current_dir(&folder).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments}");
    };
    let request = "req -x509 -nodes -subj /CN=shop.example -addext subjectAltName=DNS:shop.example";
    run(&format!("{request} -newkey rsa:2048 -keyout rsa8.pem -out rsa.crt"));
    run("rsa -in rsa8.pem -traditional -out rsa1.pem");
    // With a section for the parameters before the key, as people have it.
    run("ecparam -name prime256v1 -genkey -out sec1.pem");
    run(&format!("{request} -key sec1.pem -out ec.crt"));
    run("pkcs8 -topk8 -nocrypt -in sec1.pem -out ec8.pem");
    run("pkcs8 -topk8 -in sec1.pem -passout pass:secret -out encrypted.pem");
    let file = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    for (chain, key, mark) in [
        ("rsa.crt", "rsa8.pem", "BEGIN PRIVATE KEY"),
        ("rsa.crt", "rsa1.pem", "BEGIN RSA PRIVATE KEY"),
        ("ec.crt", "ec8.pem", "BEGIN PRIVATE KEY"),
        ("ec.crt", "sec1.pem", "BEGIN EC PRIVATE KEY"),
    ] {
        let (chain, key) = (file(chain), file(key));
        assert!(key.contains(mark), "{mark}");
        let certificate = read(&secret("web"), &Issued { chain, key: key.clone() });
        no_key_in(&format!("{certificate:?}"), &key);
    }
    assert_eq!(kind(&file("rsa.crt"), &file("sec1.pem")), CertificateErrorKind::KeyMismatch);
    assert_eq!(kind(&file("ec.crt"), &file("rsa1.pem")), CertificateErrorKind::KeyMismatch);
    assert_eq!(kind(&file("ec.crt"), &file("encrypted.pem")), CertificateErrorKind::NoKey);
}

#[test]
fn nothing_prints_a_key() {
    let authority = Authority::new();
    let issued = authority.issue(&["shop.example"]);
    let (table, store) = (table(true), CertificateStore::new());
    store.insert(&secret("exact"), read(&secret("exact"), &issued));
    let resolver =
        CertificateResolver::new(table, store.clone()).with_fallback(read(&secret("own"), &issued));
    let certificate = store.get(&secret("exact")).unwrap();
    let choice = resolver.choose(Some("shop.example"));
    let settings = ServerSettings::new().with_provider(provider());
    for text in [
        format!("{certificate:?} {certificate:#?}"),
        format!("{store:?} {store:#?}"),
        format!("{resolver:?} {resolver:#?}"),
        format!("{choice:?}"),
        format!("{settings:?}"),
        format!("{:?}", settings.clone().build(resolver).unwrap()),
    ] {
        assert!(text.len() > 20);
        no_key_in(&text, &issued.key);
    }
}

#[test]
fn expiry_is_told() {
    let authority = Authority::new();
    let (from, until) = ((2020, 2, 29), (2051, 12, 31));
    let issued = authority.issue_with(&["shop.example"], |params| {
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    });
    let certificate = read(&secret("exact"), &issued);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let validity = certificate.validity();
    assert_eq!(validity.not_before(), at(1_582_934_400));
    assert_eq!(validity.not_after(), at(2_587_593_600));
    let day = Duration::from_secs(86400);
    assert_eq!(validity.phase(validity.not_before() - day), Phase::NotYetValid(day));
    assert_eq!(validity.phase(validity.not_after() - day), Phase::Valid(day));
    assert_eq!(validity.phase(validity.not_after() + day), Phase::Expired(day));

    let store = CertificateStore::new();
    store.insert(&secret("b"), read(&secret("b"), &authority.issue(&["b.example"])));
    store.insert(&secret("a"), certificate);
    let validities = store.validities();
    assert!(validities.iter().map(|(secret, _)| secret.as_str()).eq(["ns/a", "ns/b"]));
    assert_eq!(validities[0].1, validity);
}

#[test]
fn the_store_by_itself() {
    let authority = Authority::new();
    let table = table(true);
    let store = store(&authority, &[("exact", &["shop.example"]), ("other", &["other.example"])]);
    let missing = |store: &CertificateStore| store.missing(&table.load());
    assert_eq!(missing(&store), BTreeSet::from([secret("default"), secret("wildcard")]));
    assert_eq!(store.len(), 2);

    let first = store.get(&secret("exact")).unwrap();
    let replaced =
        store.insert(&secret("exact"), read(&secret("exact"), &authority.issue(&["shop.example"])));
    assert_eq!(replaced.unwrap().chain(), first.chain());
    assert_ne!(store.get(&secret("exact")).unwrap().chain(), first.chain());
    // Clones share what they hold.
    assert!(store.clone().remove(&secret("other")).is_some());
    assert!(store.get(&secret("other")).is_none() && store.remove(&secret("other")).is_none());

    let certificates = ["default", "wildcard"].map(|name| {
        let secret = secret(name);
        let certificate = read(&secret, &authority.issue(&["shop.example"]));
        (secret, certificate)
    });
    store.replace(certificates);
    assert_eq!(missing(&store), BTreeSet::from([secret("exact")]));
    store.replace([]);
    assert!(store.is_empty());
}
