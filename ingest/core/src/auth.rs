//! [`Auth`]: who asks, and whether they may.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ::http::HeaderMap;
use ingest_wire::sigv4::{Authorization, SignedRequest, SigningKeys};
use parking_lot::RwLock;

use crate::config::CredentialOptions;
use crate::fault::{Code, Fault};
use crate::limits::{ACCOUNT_DEFAULT, REGION_BYTES_MAX, REGION_DEFAULT, REGIONS_MAX, USER_CHARS_MAX};

/// Knows the configured credentials and verifies signatures against them.
///
/// With credentials configured, every call must be signed by one of them. With none, every call is taken, and a
/// signature only tells the region.
#[derive(Debug)]
pub struct Auth {
    by_access_key_id: HashMap<String, Credential>,
    signing_keys: SigningKeys,
    regions: Regions,
    account_default: Arc<str>,
    principal_default: Arc<str>,
}

#[derive(Debug)]
struct Credential {
    secret_access_key: String,
    account: Arc<str>,
    principal: Arc<str>,
}

/// The configured credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// A key id or a secret is empty, or holds what a request cannot carry.
    #[error(
        "credentials: the access key id '{access_key_id}' and its secret must be visible ASCII characters without '/', ',' and spaces, and not empty"
    )]
    Malformed {
        /// The access key.
        access_key_id: String,
    },
    /// Two secrets have the same id.
    #[error("credentials: the access key id '{access_key_id}' is configured twice; give each key an id of its own")]
    Duplicate {
        /// The access key.
        access_key_id: String,
    },
    /// An account is not twelve digits.
    #[error("credentials: the account '{account}' of access key '{access_key_id}' is not twelve digits")]
    Account {
        /// The access key.
        access_key_id: String,
        /// Its account.
        account: String,
    },
    /// A user's name is none.
    #[error(
        "credentials: the user '{user}' of access key '{access_key_id}' must be 1 to {USER_CHARS_MAX} letters, digits and +=,.@_-"
    )]
    User {
        /// The access key.
        access_key_id: String,
        /// Its user.
        user: String,
    },
}

/// Who a request claims to come from. Not to be believed before [`Auth::verify`].
pub(crate) struct Claim<'a> {
    pub(crate) account: Arc<str>,
    pub(crate) principal: Arc<str>,
    pub(crate) region: Arc<str>,
    /// The signature to verify, if one is demanded.
    proof: Option<(Authorization<'a>, &'a Credential)>,
}

impl Auth {
    /// Takes the configured credentials.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn new(credentials: &[CredentialOptions]) -> Result<Self, InvalidCredentials> {
        let mut by_access_key_id = HashMap::new();
        for CredentialOptions { access_key_id, secret_access_key, account, user } in credentials {
            let access_key_id = access_key_id.clone();
            let is_usable_id = !access_key_id.is_empty()
                && access_key_id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b','));
            if !is_usable_id || secret_access_key.is_empty() {
                return Err(InvalidCredentials::Malformed { access_key_id });
            }
            if account.len() != ACCOUNT_DEFAULT.len() || !account.bytes().all(|b| b.is_ascii_digit()) {
                return Err(InvalidCredentials::Account { access_key_id, account: account.clone() });
            }
            if let Some(user) = user.as_ref().filter(|user| !is_user_name(user)) {
                return Err(InvalidCredentials::User { access_key_id, user: user.clone() });
            }
            let credential = Credential {
                secret_access_key: secret_access_key.clone(),
                account: account.as_str().into(),
                principal: principal(account, user.as_deref()),
            };
            if by_access_key_id.insert(access_key_id.clone(), credential).is_some() {
                return Err(InvalidCredentials::Duplicate { access_key_id });
            }
        }
        Ok(Self {
            by_access_key_id,
            signing_keys: SigningKeys::default(),
            regions: Regions::default(),
            account_default: ACCOUNT_DEFAULT.into(),
            principal_default: principal(ACCOUNT_DEFAULT, None),
        })
    }

    /// Whether calls must be signed.
    pub fn is_required(&self) -> bool {
        !self.by_access_key_id.is_empty()
    }

    /// Whether a listener may be opened on `address`: anywhere with credentials, on loopback without.
    pub(crate) fn permits_listening_on(&self, address: IpAddr) -> bool {
        self.is_required() || address.to_canonical().is_loopback()
    }

    /// Reads who a request claims to come from, by its headers alone: strangers are refused before their body is read.
    ///
    /// # Errors
    /// If a signature is demanded and there is none, it is malformed, or its access key is unknown.
    pub(crate) fn identify<'a>(&'a self, headers: &'a HeaderMap) -> Result<Claim<'a>, Fault> {
        let authorization = Authorization::parse(headers);
        if !self.is_required() {
            let region = authorization.map_or(REGION_DEFAULT, |authorization| authorization.region);
            let region = self.regions.share(region).unwrap_or_else(|| REGION_DEFAULT.into());
            let (account, principal) = (Arc::clone(&self.account_default), Arc::clone(&self.principal_default));
            return Ok(Claim { account, principal, region, proof: None });
        }
        let authorization = authorization?;
        let credential = self.by_access_key_id.get(authorization.access_key_id).ok_or_else(|| {
            Fault::new(Code::UnrecognizedClient, "The security token included in the request is invalid.")
        })?;
        let region = self
            .regions
            .share(authorization.region)
            .ok_or_else(|| Fault::new(Code::InvalidSignature, "Credential should be scoped to a valid region."))?;
        let (account, principal) = (Arc::clone(&credential.account), Arc::clone(&credential.principal));
        Ok(Claim { account, principal, region, proof: Some((authorization, credential)) })
    }

    /// Verifies the signature of a claim, now that the body is there.
    ///
    /// # Errors
    /// If it does not fit the request, the service or the time.
    pub(crate) fn verify(&self, claim: &Claim<'_>, request: SignedRequest<'_>, service: &str) -> Result<(), Fault> {
        if let Some((authorization, credential)) = &claim.proof {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            authorization.verify(request, &credential.secret_access_key, service, &self.signing_keys, now)?;
        }
        Ok(())
    }
}

/// The ARN that policies know a caller by.
fn principal(account: &str, user: Option<&str>) -> Arc<str> {
    user.map_or_else(|| format!("arn:aws:iam::{account}:root"), |user| format!("arn:aws:iam::{account}:user/{user}"))
        .into()
}

/// Source: IAM API Reference, "CreateUser".
fn is_user_name(text: &str) -> bool {
    (1..=USER_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
}

/// Shares one allocation among all requests of a region. Bounded: past the bound, a name gets its own.
#[derive(Debug, Default)]
struct Regions(RwLock<Vec<Arc<str>>>);

impl Regions {
    /// The shared name, if it is one that a region could have.
    fn share(&self, name: &str) -> Option<Arc<str>> {
        let find = |regions: &[Arc<str>]| regions.iter().find(|region| ***region == *name).cloned();
        if let Some(region) = find(&self.0.read()) {
            return Some(region);
        }
        let is_plausible = (1..=REGION_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_plausible {
            return None;
        }
        let mut regions = self.0.write();
        if let Some(region) = find(&regions) {
            return Some(region);
        }
        let region: Arc<str> = name.into();
        if regions.len() < REGIONS_MAX {
            regions.push(Arc::clone(&region));
        }
        Some(region)
    }
}

#[cfg(test)]
mod tests {
    use ::http::header::AUTHORIZATION;

    use super::*;

    fn credential(access_key_id: &str, secret: &str, account: &str) -> CredentialOptions {
        CredentialOptions {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret.to_owned(),
            account: account.to_owned(),
            user: None,
        }
    }

    fn headers(access_key_id: &str, region: &str) -> HeaderMap {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={access_key_id}/20261123/{region}/kinesis/aws4_request, SignedHeaders=host, \
             Signature=00"
        );
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn unusable_credentials_are_refused_with_the_key_that_is_meant() {
        let error = |credentials: &[CredentialOptions]| Auth::new(credentials).unwrap_err().to_string();
        assert!(error(&[credential("A", "s", "12")]).contains("'12' of access key 'A' is not twelve digits"));
        assert!(error(&[credential("A/B", "s", ACCOUNT_DEFAULT)]).contains("'A/B'"));
        assert!(error(&[credential("", "s", ACCOUNT_DEFAULT)]).contains("not empty"));
        let odd = CredentialOptions { user: Some("a/b".to_owned()), ..credential("A", "s", ACCOUNT_DEFAULT) };
        assert!(error(&[odd]).contains("the user 'a/b' of access key 'A'"));
        let twice = credential("A", "s", ACCOUNT_DEFAULT);
        assert!(error(&[twice.clone(), twice]).contains("configured twice"));
    }

    #[test]
    fn without_credentials_the_signature_tells_the_region_and_nothing_else() {
        let auth = Auth::new(&[]).unwrap();
        let signed = headers("anybody", "eu-west-3");
        let claim = auth.identify(&signed).ok().unwrap();
        assert_eq!((&*claim.account, &*claim.region), (ACCOUNT_DEFAULT, "eu-west-3"));
        let unsigned = HeaderMap::new();
        let claim = auth.identify(&unsigned).ok().unwrap();
        assert_eq!((&*claim.account, &*claim.region), (ACCOUNT_DEFAULT, REGION_DEFAULT));
        let odd = headers("anybody", "../../etc");
        assert_eq!(&*auth.identify(&odd).ok().unwrap().region, REGION_DEFAULT);
    }

    #[test]
    fn with_credentials_strangers_are_known_by_their_headers() {
        let auth = Auth::new(&[credential("AKID", "s", "123456789012")]).unwrap();
        let code = |headers: &HeaderMap| auth.identify(headers).err().map(|fault| fault.code());
        assert_eq!(code(&HeaderMap::new()), Some(Code::MissingAuthenticationToken));
        assert_eq!(code(&headers("OTHER", "eu-west-3")), Some(Code::UnrecognizedClient));
        assert_eq!(code(&headers("AKID", "EU")), Some(Code::InvalidSignature));
        let known = headers("AKID", "eu-west-3");
        assert_eq!(&*auth.identify(&known).ok().unwrap().account, "123456789012");
    }

    #[test]
    fn a_key_s_principal_is_its_user_or_its_account_s_root() {
        let ann = CredentialOptions { user: Some("ann".to_owned()), ..credential("ANN", "s", "123456789012") };
        let auth = Auth::new(&[credential("ROOT", "s", "123456789012"), ann]).unwrap();
        for (key, principal) in [("ROOT", "root"), ("ANN", "user/ann")] {
            let headers = headers(key, "eu-west-3");
            let claim = auth.identify(&headers).ok().unwrap();
            assert_eq!(*claim.principal, *format!("arn:aws:iam::123456789012:{principal}"));
        }
    }

    #[test]
    fn only_loopback_is_open_without_credentials() {
        let auth = Auth::new(&[]).unwrap();
        for (address, is_permitted) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("::", false),
        ] {
            assert_eq!(auth.permits_listening_on(address.parse().unwrap()), is_permitted, "{address}");
        }
        let auth = Auth::new(&[credential("AKID", "s", "123456789012")]).unwrap();
        assert!(auth.permits_listening_on("0.0.0.0".parse().unwrap()));
    }

    #[test]
    fn regions_are_shared_up_to_a_bound() {
        let regions = Regions::default();
        assert!(Arc::ptr_eq(&regions.share("a-1").unwrap(), &regions.share("a-1").unwrap()));
        for index in 0..1000 {
            assert!(regions.share(&format!("r-{index}")).is_some());
        }
        assert_eq!(regions.0.read().len(), REGIONS_MAX);
    }
}
