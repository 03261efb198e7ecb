"""What a step of `broker.admission` does, as a sentence for the operator. Pure."""

from typing import assert_never

from broker.admission_state import (
    AddExchange,
    AddQueue,
    Bind,
    ClearTopic,
    CloseConnections,
    DropQueue,
    RemoveLogin,
    SetLogin,
    SetRights,
    SetTopic,
    Step,
    Unbind,
)
from broker.topology import NOTHING, Binding

_BY = {
    "none": "by certificate alone",
    "file": "with the password of its file",
    "kept": "as before",
}


def sentence(step: Step) -> str:  # noqa: PLR0911  one return a kind of step
    """Say what *step* does."""
    match step:
        case RemoveLogin(name, suspended):
            return f"remove the login {name}: " + (
                "it is suspended" if suspended else "the directory does not list it"
            )
        case CloseConnections(name):
            return f"close every open connection of {name}"
        case ClearTopic(user, exchange):
            return f"remove what {user} may send to {exchange}"
        case AddExchange(exchange):
            return f"declare the exchange {exchange.name} ({exchange.type})"
        case DropQueue(name, messages):
            return (
                f"delete the queue {name} with all that is in it ({messages} messages)"
            )
        case AddQueue(queue):
            return f"declare the queue {queue.name}"
        case Unbind(binding):
            return f"stop {_flow(binding)}"
        case Bind(binding):
            return f"start {_flow(binding)}"
        case SetLogin():
            return _login(step)
        case SetTopic(topic):
            return f"let {topic.user} send to {topic.exchange} under {topic.write} only"
        case SetRights(may):
            return (
                f"let {may.user} write {_names(may.write)}, read {_names(may.read)}, "
                f"configure {_names(may.configure)}"
            )
        case _:
            assert_never(step)


def _login(step: SetLogin) -> str:
    if step.new:
        return f"admit {step.name}, {_BY[step.password]}"
    text = f"let {step.name} log in {_BY[step.password]}"
    if step.tags:
        text += f", and no longer be {', '.join(step.tags)}"
    return text


def _flow(binding: Binding) -> str:
    return f"messages from {binding.exchange} to {binding.queue} ({binding.key})"


def _names(pattern: str) -> str:
    return "nothing" if pattern == NOTHING else pattern
