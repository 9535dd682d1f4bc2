"""Who could reach the database over the network."""

from collections.abc import Iterator

from policy.resource import Resource, texts_in
from policy.rule import Resources, rule, stack_rule
from policy.rules.types import (
    EGRESS,
    INGRESS,
    INTERNET_GATEWAY,
    ROUTE,
    ROUTE_ASSOCIATION,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    SUBNET,
    SUBNETS,
)
from policy.stack import Stack

#: Everybody, in both families, however it is written.
EVERYBODY = frozenset({"0.0.0.0/0", "::/0", "0::/0"})
_GROUPS = (SECURITY_GROUP, SECURITY_GROUP_RULE)


@rule(
    "network-no-open-way-in",
    "No security group lets everybody in",
    remedy="Name the security group that may come in (referenced_security_group_id) instead",
    controls=("EC2.18", "EC2.19"),
    on=(*_GROUPS, INGRESS),
)
def no_open_way_in(resource: Resource, _: Stack) -> Iterator[str]:
    """No way in from 0.0.0.0/0 or ::/0, on whatever port."""
    for address in _everybody(resource, "ingress", INGRESS):
        yield f"{address} may come in, which is everybody"


@rule(
    "network-no-open-way-out",
    "No security group lets anything but HTTPS out to everywhere",
    remedy="Name the security groups, prefix lists or subnets that have to be reached instead",
    on=(*_GROUPS, EGRESS),
)
def no_open_way_out(resource: Resource, _: Stack) -> Iterator[str]:
    """No way out to 0.0.0.0/0 or ::/0, save to port 443.

    AWS's own doors have no addresses to name where a network has no endpoints for them.
    """
    if resource.type != SECURITY_GROUP and _is_https(resource):
        return
    for address in _everybody(resource, "egress", EGRESS):
        yield f"{address} may be reached from it, so what is read can leave by it"


def _is_https(rule: Resource) -> bool:
    return (rule.get("fromPort"), rule.get("toPort")) == (443, 443)


def _everybody(resource: Resource, way: str, token: str) -> list[str]:
    """The addresses that mean everybody in one direction of whatever kind of rule this is."""
    found: set[str] = set()
    if resource.type == token:
        found = {resource.text("cidrIpv4"), resource.text("cidrIpv6")}
    elif resource.type == SECURITY_GROUP_RULE and resource.get("type") == way:
        found = {*resource.texts("cidrBlocks"), *resource.texts("ipv6CidrBlocks")}
    elif resource.type == SECURITY_GROUP:
        for each in resource.listed(way):
            if isinstance(each, dict):
                found |= texts_in(each.get("cidrBlocks")) | texts_in(each.get("ipv6CidrBlocks"))
    return sorted(found & EVERYBODY)


@stack_rule(
    "rds-private-subnets",
    "Database subnets have no route to the internet",
    remedy="Put the database into subnets whose route table has no internet gateway",
    controls=("RDS.46",),
    on=(SUBNETS,),
)
def private_subnets(resources: Resources, _: Stack) -> Iterator[tuple[Resource, str]]:
    """No subnet of a database subnet group leads to an internet gateway, or hands out addresses."""
    for group in resources.of(SUBNETS):
        for subnet in resources.of(SUBNET):
            if not group.comes_from("subnetIds", subnet, "id"):
                continue
            if subnet.is_on("mapPublicIpOnLaunch"):
                yield group, f"its subnet {subnet.name} hands out public addresses"
            for table in _tables_of(subnet, resources):
                if _leads_out(table, resources):
                    yield group, f"its subnet {subnet.name} has a route to an internet gateway"


def _tables_of(subnet: Resource, resources: Resources) -> Iterator[Resource]:
    for link in resources.of(ROUTE_ASSOCIATION):
        if link.comes_from("subnetId", subnet, "id"):
            for table in resources.of(ROUTE_TABLE):
                if link.comes_from("routeTableId", table, "id"):
                    yield table


def _leads_out(table: Resource, resources: Resources) -> bool:
    gateways = resources.of(INTERNET_GATEWAY)
    inline = [each for each in table.listed("routes") if isinstance(each, dict)]
    if any(str(each.get("gatewayId")).startswith("igw-") for each in inline):
        return True
    if any(gateway.urn in table.after.get("routes", ()) for gateway in gateways):
        return True
    routes = [each for each in resources.of(ROUTE) if each.comes_from("routeTableId", table, "id")]
    return any(
        str(each.get("gatewayId")).startswith("igw-")
        or any(each.comes_from("gatewayId", gateway, "id") for gateway in gateways)
        for each in routes
    )
