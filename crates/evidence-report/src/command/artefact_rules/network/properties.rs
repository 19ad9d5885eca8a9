//! The semantics as properties, against the oracle.

use proptest::prelude::*;

use super::{
    block::{Block, Range},
    declared::{Declared, End, Flow, NAMESPACE_LABEL, Outside, Workload},
    flows,
    oracle::{connections, end, passes},
    policy::{Peer, PeerKind, Policy, PortRule, Rule},
    ports::{Ports, Protocol},
    reach::{Reach, World},
    selector::{Labels, Operator, Requirement, Selector},
};

fn labels() -> impl Strategy<Value = Labels> {
    proptest::collection::btree_map(
        prop_oneof![Just("app".to_owned()), Just("tier".to_owned())],
        "[abc]",
        0..3,
    )
}

fn selector() -> impl Strategy<Value = Selector> {
    let values = || proptest::collection::vec("[abc]", 1..3);
    let operator = prop_oneof![
        3 => values().prop_map(Operator::In),
        1 => values().prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::DoesNotExist),
    ];
    let key = prop_oneof![Just("app".to_owned()), Just("tier".to_owned())];
    let requirement = (key, operator).prop_map(|(key, operator)| Requirement { key, operator, line: 1 });
    proptest::collection::vec(requirement, 0..2).prop_map(Selector)
}

fn namespace_selector() -> impl Strategy<Value = Selector> {
    let named = |name: &str| {
        Selector(vec![Requirement {
            key: NAMESPACE_LABEL.into(),
            operator: Operator::In(vec![name.into()]),
            line: 1,
        }])
    };
    prop_oneof![Just(Selector::default()), Just(named("one")), Just(named("two")), selector()]
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![3 => Just(Protocol::Tcp), 1 => Just(Protocol::Udp), 1 => Just(Protocol::Sctp)]
}

fn port_rule() -> impl Strategy<Value = PortRule> {
    prop_oneof![
        (protocol(), 1_u16..12, 0_u16..4).prop_map(|(protocol, first, more)| PortRule::Numbers(
            Ports::range(protocol, first, first + more)
        )),
        protocol().prop_map(|protocol| PortRule::Numbers(Ports::all_of(protocol))),
        (protocol(), "[xy]").prop_map(|(protocol, name)| PortRule::Named { protocol, name, line: 1 }),
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    let pods = (proptest::option::of(namespace_selector()), selector())
        .prop_map(|(namespaces, pods)| PeerKind::Pods { namespaces, pods });
    let block = Just(PeerKind::Addresses(Range {
        block: Block::parse("203.0.113.0/24").unwrap(),
        except: Vec::new(),
    }));
    prop_oneof![5 => pods, 1 => block].prop_map(|kind| Peer { line: 1, kind })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let peers = proptest::option::weighted(0.8, proptest::collection::vec(peer(), 1..3));
    let ports = proptest::option::weighted(0.8, proptest::collection::vec(port_rule(), 1..3));
    let rule = (peers, ports).prop_map(|(peers, ports)| Rule { line: 1, peers, ports });
    proptest::collection::vec(rule, 0..3)
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("one".to_owned()), Just("two".to_owned())]
}

fn policy() -> impl Strategy<Value = Policy> {
    let side = || proptest::option::weighted(0.7, rules());
    (namespace(), selector(), side(), side()).prop_map(|(namespace, selector, ingress, egress)| Policy {
        name: "p".into(),
        namespace,
        path: "net.yaml".into(),
        line: 1,
        selector,
        ingress,
        egress,
    })
}

fn world() -> impl Strategy<Value = Declared> {
    let port = ("[xy]", protocol(), 1_u16..12);
    let workload = (namespace(), labels(), proptest::collection::vec(port, 0..3)).prop_map(
        |(namespace, labels, ports)| Workload {
            name: format!("{namespace}/w"),
            namespace_labels: Labels::from([(NAMESPACE_LABEL.to_owned(), namespace.clone())]),
            namespace,
            labels,
            ports,
            line: 1,
        },
    );
    proptest::collection::vec(workload, 1..4).prop_map(|workloads| Declared {
        workloads,
        outside: vec![Outside { name: "out".into(), blocks: vec![Block::parse("203.0.113.0/25").unwrap()] }],
        ..Declared::default()
    })
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    proptest::collection::vec(policy(), 0..5)
}

/// What is between two ends.
pub(super) fn between(policies: &[Policy], declared: &Declared, from: End, to: End) -> Reach {
    World::new(policies, declared).between(from, to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn intervals_say_what_the_oracle_says_of_every_connection(policies in policies(), world in world()) {
        for (from, to, protocol, port) in connections(&world) {
            let reach = between(&policies, &world, end(from), end(to));
            let expected = passes(&policies, &world, from, to, (protocol, port));
            prop_assert_eq!(reach.sure.contains(protocol, port), expected, "{} {} {:?}/{}", from, to, protocol, port);
            prop_assert!(!expected || reach.possible.contains(protocol, port));
        }
    }

    #[test]
    fn the_order_of_policies_means_nothing_and_one_twice_means_nothing(policies in policies(), world in world()) {
        let mut turned = policies.clone();
        turned.reverse();
        turned.extend(policies.first().cloned());
        for (from, to, ..) in connections(&world) {
            prop_assert_eq!(between(&policies, &world, end(from), end(to)), between(&turned, &world, end(from), end(to)));
        }
    }

    #[test]
    fn a_rule_more_takes_nothing_away_and_a_denial_more_allows_nothing(
        policies in policies(), world in world(), more in rules(), at in 0_usize..5,
    ) {
        let mut wider = policies.clone();
        if let Some(policy) = wider.get_mut(at) {
            for rules in [&mut policy.ingress, &mut policy.egress].into_iter().flatten() {
                rules.extend(more.iter().cloned());
            }
        }
        let denial = Policy { name: "deny".into(), namespace: "one".into(), path: String::new(), line: 1,
            selector: Selector::default(), ingress: Some(Vec::new()), egress: Some(Vec::new()) };
        let mut narrower = policies.clone();
        narrower.push(denial);
        for (from, to, ..) in connections(&world) {
            let (from, to) = (end(from), end(to));
            let now = between(&policies, &world, from, to);
            prop_assert!(now.sure.without(&between(&wider, &world, from, to).sure).is_empty());
            prop_assert!(between(&narrower, &world, from, to).sure.without(&now.sure).is_empty());
            prop_assert!(now.sure.without(&now.possible).is_empty(), "what is sure is possible");
        }
    }

    #[test]
    fn whatever_is_allowed_beyond_the_declared_is_told(policies in policies(), world in world(), wanted in 1_u16..12) {
        let mut world = world;
        let flow = Flow { from: vec![end(0)], to: vec![end(0)], ports: Ports::range(Protocol::Tcp, wanted, wanted), line: 1 };
        world.flows.push(flow.clone());
        let governed = ["one".to_owned(), "two".to_owned()].into();
        let findings = flows::assess(&World::new(&policies, &world), &governed, "flows.yaml");
        let reach = between(&policies, &world, end(0), end(0));
        let beyond = !reach.possible.without(&flow.ports).is_empty();
        let blocked = !flow.ports.without(&reach.sure).is_empty();
        let bad = |id: &str| findings.iter().any(|finding| finding.check.id == id && finding.outcome != crate::record::Outcome::Passed);
        prop_assert!(!beyond || bad("network.flow_undeclared"));
        prop_assert_eq!(blocked, bad("network.flow_blocked"));
    }
}
