"""broker: who may connect to RabbitMQ, and what each may do there."""

from cyclopts import App

from adapters.cli import broker_apply, broker_ca

broker = App(
    name="broker", help="RabbitMQ: certificates of its logins, and their rights."
)
broker.command(broker_apply.apply)
broker.command(broker_ca.ca)
broker.command(broker_ca.node)
broker.command(broker_ca.request)
broker.command(broker_ca.certify)
