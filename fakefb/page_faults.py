"""Owns the view of faults: the profile, the presets and what else is armed, with switches."""

import orjson

from fakefb.fault_presets import presets
from fakefb.faults import Armed, Faults
from fakefb.page_frame import section
from fakefb.page_html import Html, joined, table, tag
from fakefb.profiles import Profile


def render_faults(faults: Faults) -> Html:
    """Return all switches, with what each armed rule has seen and done."""
    own = {armed.rule.name: armed for armed in faults.armed}
    others = [armed for armed in faults.armed if armed.rule.name not in presets()]
    head = ("Fault", "Switch", "Seen", "Fired", "What happens")
    return joined(
        (
            section("Profile", _profile(faults.profile)),
            section(
                "Named faults",
                table("Named faults", head, [_preset(name, own) for name in presets()], ""),
            ),
            section(
                "Other armed faults",
                table(
                    "Other armed faults",
                    head,
                    [_armed(armed) for armed in (*others, *faults.of_profile)],
                    "Nothing else is armed. PUT /admin/faults takes any rule.",
                ),
            ),
        )
    )


def switch_fault(faults: Faults, name: str, *, on: bool) -> bool:
    """Switch an armed fault, or arm a preset; tell whether there is one of this name."""
    if faults.switch(name, on=on):
        return True
    if name not in presets():
        return False
    if on:
        faults.add(presets()[name].rule)
    return True


def _profile(profile: Profile) -> Html:
    is_grumpy = profile is Profile.GRUMPY
    wanted = Profile.CALM if is_grumpy else Profile.GRUMPY
    return tag(
        "div",
        _switch("/faults/profile", Profile.GRUMPY, {"profile": wanted}, on=is_grumpy),
        tag("p", "Grumpy: a few per cent of everything goes wrong."),
        class_="profile",
    )


def _preset(name: str, own: dict[str, Armed]) -> tuple[object, ...]:
    preset, armed = presets()[name], own.get(name)
    return (
        name,
        _fault_switch(name, on=armed is not None and armed.is_on),
        armed.seen if armed else 0,
        armed.fired if armed else 0,
        preset.explanation,
    )


def _armed(armed: Armed) -> tuple[object, ...]:
    given = armed.record()
    rule = {"match": given["match"], "effect": given["effect"]}
    name = armed.rule.name
    return (
        name,
        _fault_switch(name, on=armed.is_on),
        armed.seen,
        armed.fired,
        tag("code", orjson.dumps(rule).decode(), class_="rule"),
    )


def _fault_switch(name: str, *, on: bool) -> Html:
    return _switch("/faults/switch", name, {"name": name, "on": "" if on else "1"}, on=on)


def _switch(path: str, name: str, fields: dict[str, str], *, on: bool) -> Html:
    """Return a form of one button; it works without the script too."""
    hidden = (tag("input", type="hidden", name=key, value=v) for key, v in fields.items())
    button = tag(
        "button",
        "on" if on else "off",
        type="submit",
        role="switch",
        aria_checked="true" if on else "false",
        aria_label=name,
    )
    return tag(
        "form",
        *hidden,
        button,
        method="post",
        action=path,
        hx_post=path,
        hx_target="#faults",
        hx_swap="innerMorph",
    )
