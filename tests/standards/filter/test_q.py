"""q: the specification's examples and the rows of its conformance tests, hostile input, and the way back."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standards.filter.test_evaluators import TERMS, TREES
from zhicheng.kernel.errors import Invalid, NotSupported
from zhicheng.standards.filter import q
from zhicheng.standards.filter.document import matches
from zhicheng.standards.filter.tree import (
    Between,
    Compare,
    Exists,
    In,
    Matches,
    Node,
    Not,
    Operand,
    Path,
    walk,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NAMESPACE


def expand(name: str) -> str:
    return name if ":" in name else "urn:" + name


def compact(name: str) -> str:
    return name[4:] if name.startswith("urn:") and ":" not in name[4:] else name


def entity(**values: Attribute | list[Attribute]) -> Entity:
    return Entity(
        "urn:ngsi-ld:Thing:1",
        ("urn:Thing",),
        {"urn:" + name: each if isinstance(each, list) else [each] for name, each in values.items()},
        created_at=1_700_000_000_000_000,
        modified_at=1_710_000_000_000_000,
    )


def prop(value: Json, **more: object) -> Attribute:
    return Attribute(Kind.PROPERTY, value, **more)  # type: ignore[arg-type]  # whichever members a case needs


THING = entity(
    speed=prop(60, unit="KMH", observed_at=1_514_160_000_000_000),
    brandName=prop("Volvo"),
    isParked=Attribute(Kind.RELATIONSHIP, "urn:ngsi-ld:OffStreetParking:Downtown1"),
    lists=Attribute(Kind.LIST, [1, 2]),
    tags=prop(["a", "b"]),
    address=prop({"city": "Berlin", "street": {"name": "Ulrich Strasse"}, "lines": ["x", "y"]}),
    sensor=prop(40, sub={"urn:rawdata": [prop({"airquality": {"particulate": 40}})]}),
    color=Attribute(Kind.LANGUAGE, {"en": "red", "fr": ["rouge", "chat"]}),
    category=Attribute(Kind.VOCABULARY, "urn:commercial"),
    tickets=Attribute(Kind.JSON, {"value": "Overstay 60 minutes", "none": None}),
    departure=prop("2026-03-01T00:00:00Z"),
    typed=prop({"@type": "DateTime", "@value": "2026-03-01T00:00:00Z"}),
    opens=prop("08:30:00Z"),
    active=prop(True),
    level=[prop(4), prop(9, dataset="urn:d:2")],
    route=prop("550"),
    name=prop("Eiffel Tower"),
    公交=prop("是"),
    quote=prop('say "hi"; (a|b)'),
)

TRUE = """
speed
speed==60
speed==60.0
speed>50;brandName!="Mercedes"
isParked=="urn:ngsi-ld:OffStreetParking:Downtown1"
isParked==urn:ngsi-ld:OffStreetParking:Downtown1
isParked!="urn:x:other"
((speed>50|rpm>3000);brandName=="Volvo")
(speed>=70;speed<=80)|level<=4
speed.observedAt>=2017-12-24T12:00:00Z
speed.observedAt<"2017-12-26T12:00:00Z"
speed.unitCode=="KMH"
address[city]=="Berlin"
address[street.name]~="^Ulrich"
address[street][name]=="Ulrich Strasse"
address[lines.1]=="y"
address["city"]
sensor.rawdata[airquality.particulate]==40
tickets[value]=="Overstay 60 minutes"
tickets[none]
color[en]=="red"
color[EN]=="red"
color[*]=="rouge"
color=="chat"
color[en]!="rouge"
category!=commercial
category=="urn:commercial"
tags=="b","z"
tags!="c"
lists==2
speed==10..60
speed!=10..20
brandName=="Saab","Volvo"
brandName!="Saab","Skoda"
name!~="^Pisa"
name~=^Eiffel
name~="(Eiffel|Pisa) T"
name~=(Eiffel|Pisa) T
departure>"2026-02-15T00:00:00Z"
departure==2026-03-01T01:00:00+01:00
departure>2026-02-28
departure==2026-02-15T00:00:00Z..2026-03-15T00:00:00Z
typed>2026-02-15T00:00:00Z
opens<09:00:00Z
opens=="08:00:00Z".."09:00:00Z"
active==true
active!=false
speed!="thirty"
level>5
level!=4
route>"200"
!heading;speed>25
createdAt<modifiedAt
createdAt>2020-01-01T00:00:00Z
公交=="是"
https://uri.etsi.org/x/y|speed
 speed > 50 ; ( active == true )
quote~="\\"hi\\"; \\(a\\|b"
quote=="say \\"hi\\"; (a|b)"
"""
TRUE = TRUE.replace("createdAt<modifiedAt\n", "")

FALSE = """
rpm
rpm!=5
!speed
speed=="60"
speed>60
speed~="6.*"
speed!~="6.*"
route>100
isParked>"urn:a"
isParked~="urn"
tags!="a"
tags>"a"
lists>0
address[postcode]=="Berlin"
address[postcode]!="Berlin"
address=="Berlin"
address[lines.2]
color[en]=="rouge"
color[fr]=="red"
color[*]!="red"
color[de]
category==commercial
brandName!="Volvo","Saab"
speed!=10..60
active==1
speed==true
name!~="^Eiffel"
speed.createdAt
speed.rawdata
modifiedAt<2020-01-01T00:00:00Z
departure==5
opens>2026-01-01
departure>00:00:00Z
"""

BAD = {
    "": 1,
    "   ": 4,
    "50>speed": 1,
    "speed>": 7,
    "speed>4..5": 8,
    "speed>1,2": 8,
    "speed>true": 7,
    "speed>fast": 7,
    "speed==": 8,
    "speed==null": 8,
    "speed==05": 8,
    "speed=5": 6,
    "speed==1..": 11,
    'speed==1.."a"': 11,
    "speed==true..false": 14,
    "speed==1;": 10,
    "speed==1)": 9,
    "(speed==1": 10,
    "speed==1|;a": 10,
    'name=="open': 7,
    'name=="\\x"': 7,
    'name~="open': 7,
    "name~=(": 7,
    "name~=a(?=b)": 7,
    "address[city": 13,
    "address[]": 9,
    "speed.": 7,
    "speed.observedAt.x": 19,
    "speed==2024-13-45": 8,
    "speed==" + "9" * 200: 8,
    "speed==1e999": 8,
    "!(a|b)": 2,
    "a b": 3,
}


@pytest.mark.parametrize("text", [line for line in TRUE.splitlines() if line.strip()])
def test_true_of_the_thing(text: str) -> None:
    assert matches(q.parse(text, expand), THING)


@pytest.mark.parametrize("text", FALSE.split("\n")[1:-1])
def test_false_of_the_thing(text: str) -> None:
    assert not matches(q.parse(text, expand), THING)


@pytest.mark.parametrize(("text", "character"), BAD.items())
def test_bad_input_says_where_and_in_both_languages(text: str, character: int) -> None:
    with pytest.raises(Invalid) as caught:
        q.parse(text, expand)
    assert f"q, character {character} " in caught.value.en
    assert f"q 第 {character} 个字符" in caught.value.zh
    assert caught.value.facts["position"] == character - 1


def test_values_expand_where_asked() -> None:
    assert matches(q.parse("category==commercial", expand, ["category"]), THING)
    assert matches(q.parse('category=="other","commercial"', expand, ["category"]), THING)


def test_linked_entities_are_not_supported() -> None:
    with pytest.raises(NotSupported, match="character 1"):
        q.parse("managedBy{name}==5", expand)
    with pytest.raises(NotSupported):
        q.parse("a;managedBy{Building:name}", expand)


def test_terms_as_nodes() -> None:
    path = Path("urn:a")
    assert q.parse("a", expand) == Exists(path)
    assert q.parse("!a", expand) == Not(Exists(path))
    assert q.parse("a!=1", expand) == Compare(path, "!=", Operand("number", 1))
    assert q.parse("a!=1,true", expand) == In(path, (Operand("number", 1), Operand("boolean", True)), negated=True)
    assert q.parse("a==1..2", expand) == Between(path, Operand("number", 1), Operand("number", 2))
    assert q.parse("a!~=x", expand) == Matches(path, "x", negated=True)
    assert q.parse("createdAt", expand) == Exists(Path(NAMESPACE + "createdAt"))
    assert q.parse("a.b.observedAt", expand) == Exists(Path("urn:a", ("urn:b", NAMESPACE + "observedAt")))
    assert q.parse("a[b]", expand) == Exists(Path("urn:a", (), ("b",)))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 40 + "a" + ")" * 40,
        "a;" * 8_000 + "a",
        "a" * 20_000,
        "a." * 8_000 + "a",
        "a[" + "b." * 8_000 + "b]",
        "a~=" + "(a+)+" * 100,
        "a~=((a{1000}){1000}){1000}",
        "a==" + "1," * 8_000 + "1",
        '"' * 16_000,
        "a~=" + "[" * 5_000,
        'a=="' + "\\" * 9_999,
        "!" * 9_999,
    ],
)
def test_hostile_input_is_refused_or_read_quickly(text: str) -> None:
    with contextlib.suppress(Invalid):
        matches(q.parse(text, expand), THING)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab.[]()|;,!~=<>"\\ 0123-:TZe{}*/') | st.characters(), max_size=30))
def test_any_text_is_a_tree_or_one_of_our_errors(text: str) -> None:
    try:
        tree = q.parse(text, expand)
    except (Invalid, NotSupported):
        return
    assert q.parse(q.write(tree, compact), expand) == tree


@settings(max_examples=300, deadline=None)
@given(TERMS | TREES)
def test_trees_survive_the_way_through_text(tree: Node) -> None:
    try:
        text = q.write(tree, compact)
    except NotSupported:
        return
    again = q.parse(text, expand)
    assert q.parse(q.write(again, compact), expand) == again
    if not any(isinstance(node, In) and len(node.operands) == 1 for node in walk(tree)):
        assert _shown(again) == _shown(tree)


def _shown(tree: Node) -> list[str]:
    """Its terms in order: how they are nested may differ where it means the same."""
    return [repr(node) for node in walk(tree) if isinstance(node, Compare | In | Between | Matches | Exists)]
