//! TravelPerk: SCIM users on one host, REST cost centres on the other.
