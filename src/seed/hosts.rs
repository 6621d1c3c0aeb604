//! Hosts in texts: connection strings, addresses, lists of servers, files of settings.

/// A host that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostToken<'t> {
    /// Its name, in small letters.
    pub(super) name: String,
    /// The port behind it.
    pub(super) port: Option<u16>,
    /// The scheme of the URL that it stands in.
    pub(super) scheme: Option<&'t str>,
    /// The word that says what it is, such as a flag in front of it.
    pub(super) key: Option<&'t str>,
    /// Whether it is all of the text.
    pub(super) is_whole: bool,
}

/// So many are looked for in one text.
const MOST_TOKENS: usize = 100_000;

/// A name in DNS is at most so long.
const LONGEST_NAME: usize = 253;

fn parts(one: char) -> bool {
    one.is_whitespace() || one.is_control() || ",;|\"'`()[]{}<>=\\".contains(one)
}

/// Everything that can be a host.
pub(super) fn hosts(text: &str) -> Vec<HostToken<'_>> {
    let mut found = Vec::new();
    let mut before: Option<(usize, usize)> = None;
    let mut start = 0;
    let mut tokens = 0;
    let ends = text.char_indices().filter(|(_, one)| parts(*one)).map(|(at, one)| (at, at + one.len_utf8()));
    for (end, next) in ends.chain([(text.len(), text.len())]) {
        let token = text.get(start..end).unwrap_or_default();
        let here = start;
        start = next;
        // A colon by itself is what stands between a key and its value in JSON.
        if token.is_empty() || token == ":" {
            continue;
        }
        tokens += 1;
        if tokens > MOST_TOKENS {
            break;
        }
        let key = before.and_then(|(from, to)| key(text.get(from..to)?, text.get(to..here)?));
        let in_front = before.and_then(|(from, to)| text.get(from..to).filter(|_| to + 1 == here));
        before = Some((here, end));
        let is_whole = text.trim() == token;
        if let Some(address) = bracketed(text, (here, end), in_front) {
            found.push(HostToken { key, ..address });
            continue;
        }
        found.extend(host(token).map(|host| HostToken { key, is_whole, ..host }));
    }
    found
}

/// An address of IPv6, in brackets as in `https://[2001:db8::1]:8443`, or all of the text. `in_front` is the word that ends where
/// the bracket stands.
fn bracketed<'t>(text: &'t str, (start, end): (usize, usize), in_front: Option<&'t str>) -> Option<HostToken<'t>> {
    let token = text.get(start..end)?;
    let address: std::net::Ipv6Addr = token.parse().ok()?;
    let whole = HostToken { name: address.to_string(), port: None, scheme: None, key: None, is_whole: true };
    if text.trim() == token {
        return Some(whole);
    }
    let before = text.get(..start)?.strip_suffix('[')?;
    let behind = text.get(end..)?.strip_prefix(']')?;
    let digits = behind.strip_prefix(':').unwrap_or_default();
    let number = digits.get(..digits.find(|one: char| !one.is_ascii_digit()).unwrap_or(digits.len()))?;
    let scheme = in_front.and_then(|word| word.rsplit_once("://")).map(|(scheme, _)| scheme);
    let scheme = scheme.and_then(|scheme| scheme.rsplit(|one: char| !one.is_ascii_alphanumeric()).next());
    Some(HostToken {
        port: number.parse().ok().filter(|port| *port > 0),
        scheme: scheme.filter(|scheme| !scheme.is_empty()),
        is_whole: before.trim().is_empty() && digits.get(number.len()..)?.trim().is_empty(),
        ..whole
    })
}

/// The word in front of another one, where the two are a key and its value.
fn key<'t>(word: &'t str, gap: &str) -> Option<&'t str> {
    let is_flag = word.starts_with('-') && !gap.contains('\n');
    let has_colon = word.ends_with(':') && !gap.contains('\n');
    (is_flag || has_colon || gap.contains(['=', ':'])).then(|| word.trim_end_matches(':'))
}

/// The host of one word, if it has the form of one.
fn host(token: &str) -> Option<HostToken<'_>> {
    let (scheme, rest) = match token.split_once("://") {
        Some((before, rest)) => {
            let begins = before.rfind(|one: char| !one.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            (before.get(begins..).filter(|scheme| !scheme.is_empty()), rest)
        }
        None => (None, token),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = (rest.get(..end)?, rest.get(end..)?);
    // A password with such a sign in it: nothing here is sure to be a host.
    if behind.contains('@') {
        return None;
    }
    let place = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match place.rsplit_once(':') {
        Some((name, "")) => (name, None),
        Some((name, port)) => (name, Some(port.parse().ok().filter(|port: &u16| *port > 0)?)),
        None => (place, None),
    };
    let name = name.rsplit(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_name = name.len() <= LONGEST_NAME && name.split('.').all(is_label);
    is_name.then_some(HostToken { name, port, scheme, key: None, is_whole: false })
}

/// The port that a scheme stands for.
pub(super) fn port_of_scheme(scheme: &str) -> Option<u16> {
    const PORTS: [(&str, u16); 20] = [
        ("amqp", 5672),
        ("amqps", 5671),
        ("clickhouse", 9000),
        ("http", 80),
        ("https", 443),
        ("ldap", 389),
        ("ldaps", 636),
        ("mongodb", 27017),
        ("mqtt", 1883),
        ("mysql", 3306),
        ("nats", 4222),
        ("postgres", 5432),
        ("postgresql", 5432),
        ("redis", 6379),
        ("rediss", 6379),
        ("smtp", 25),
        ("sqlserver", 1433),
        ("ws", 80),
        ("wss", 443),
        ("zk", 2181),
    ];
    PORTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme)).map(|(_, port)| *port)
}

/// Whether a word says of another one that it is a host outside: the last part of a name that somebody registered is a word.
pub(super) fn is_outside(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_word = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_lowercase());
    name.contains('.') && is_word && !name.ends_with(".cluster.local") && !name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let one = |host: HostToken<'_>| {
            let port = host.port.map_or_else(String::new, |port| format!(":{port}"));
            let scheme = host.scheme.map_or_else(String::new, |scheme| format!("{scheme} "));
            let word = host.key.and_then(|key| key.rsplit(|one: char| !one.is_ascii_alphanumeric()).next());
            let key = word.map_or_else(String::new, |word| format!("{word}="));
            format!("{key}{scheme}{}{port}", host.name)
        };
        hosts(text).into_iter().map(one).collect()
    }

    #[test]
    fn hosts_are_found_in_what_programs_take() {
        for (text, found) in [
            ("db", &["db"][..]),
            ("db:5432", &["db:5432"]),
            ("DB.Data.svc.cluster.local.:5432", &["db.data.svc.cluster.local:5432"]),
            ("postgres://user:pa55@db:5432/shop?sslmode=disable", &["postgres db:5432", "sslmode=disable"]),
            ("jdbc:postgresql://db/shop", &["postgresql db"]),
            ("user:pa55@tcp(mysql:3306)/shop", &["tcp", "mysql:3306"]),
            ("host=db port=5432", &["host", "host=db", "port", "port=5432"]),
            ("--db=redis:6379/0", &["db=redis:6379"]),
            ("--upstream http://api", &["upstream=http api"]),
            ("kafka-0.kafka:9092,kafka-1.kafka:9092", &["kafka-0.kafka:9092", "kafka-1.kafka:9092"]),
            ("mongodb://m-0.m:27017,m-1.m:27017/db", &["mongodb m-0.m:27017", "m-1.m:27017"]),
            ("{\"host\": \"db\"}", &["host", "host=db"]),
            ("host: db\nother", &["host", "host=db", "other"]),
            ("[::1]:80", &["::1:80"]),
            ("2001:db8::5", &["2001:db8::5"]),
            ("https://[2001:db8::5]:8443/x", &["https 2001:db8::5:8443"]),
            ("postgres://user:hunter2@[fd00::7]/shop", &["postgres fd00::7"]),
            // What may be a part of a password is no host.
            ("postgres://user:p@ss/wo.rd@db:5432/x", &[]),
            ("postgres://user:secret", &[]),
            ("Zm9v/YmFy@x", &[]),
            ("a..b -x x- a_b", &[]),
        ] {
            let found: Vec<String> = found.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(told(text), found, "{text}");
        }
    }

    #[test]
    fn a_host_outside_has_a_name_that_somebody_registered() {
        for (name, is) in [
            ("api.example.com", true),
            ("db", false),
            ("1.2.3", false),
            ("db.corp.local", true),
            ("db.shop.cluster.local", false),
            ("x.localhost", false),
        ] {
            assert_eq!(is_outside(name), is, "{name}");
        }
    }
}
