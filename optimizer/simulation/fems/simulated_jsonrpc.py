"""`/jsonrpc` of a simulated FEMS: configuration and history, for owners.

A request needs `params`, and its `id`, if there is one, is a UUID (measured; contract, section 6).
"""

import uuid
from collections.abc import Callable, Mapping

from optimizer.simulation.fems import answers, history_queries, java_parsing, simulated_edge_config
from optimizer.simulation.fems.answers import Era, Reply, RequestRefusedError
from optimizer.simulation.fems.history_queries import QueryError
from optimizer.simulation.fems.simulated_house import SimulatedHouse

_Params = Mapping[str, object]
_UNANSWERED = "Unable to get Response: "
_NAMED = "io.openems.common.exceptions.OpenemsError$OpenemsNamedException: "


class JsonRpcEndpoint:
    """The endpoint over `house_forecast`."""

    def __init__(self, house: SimulatedHouse, era: Era) -> None:
        self._house = house
        self._era = era
        self._methods: dict[str, Callable[[_Params], object]] = {
            "getEdgeConfig": lambda _: simulated_edge_config.edge_config_of(house),
            "queryHistoricTimeseriesData": lambda asked: history_queries.data(house, asked),
            "queryHistoricTimeseriesEnergy": lambda asked: history_queries.energy(house, asked),
            "queryHistoricTimeseriesEnergyPerPeriod": (
                lambda asked: history_queries.energy_per_period(house, asked)
            ),
        }

    def reply(self, role: str, method: str, body: str) -> Reply:
        """The answer to a request of somebody with `role`.

        Raises
        ------
        RefusedError
            If the role is too low.
        """
        if role == "GUEST":
            raise RequestRefusedError(answers.ROLE, "HTTP POST JSON-RPC", role)
        if method != "POST":
            text = f"Method [{method}] is not supported for JSON-RPC endpoint"
            return answers.rpc_error(_UNANSWERED + text)
        try:
            message = java_parsing.parse_object(body)
        except RequestRefusedError as error:
            return answers.rpc_error(f"{_UNANSWERED}{error}")
        return self._result(message)

    def _result(self, message: dict[str, object]) -> Reply:
        asked, params = message.get("method"), message.get("params")
        request_id = message.get("id", str(uuid.uuid4()))
        for name, known in (("id", _is_uuid(request_id)), ("method", isinstance(asked, str))):
            if not known:
                return answers.rpc_error(f"{_UNANSWERED}JSON has no valid member [{name}]")
        if not isinstance(asked, str) or not isinstance(params, dict):
            return answers.rpc_error(f"{_UNANSWERED}JSON has no member [params]")
        if asked not in self._methods:
            return answers.rpc_error(_UNANSWERED + self._unknown(asked), request_id)
        try:
            result = self._methods[asked](params)
        except QueryError as error:
            return answers.rpc_error(f"{_UNANSWERED}{_NAMED}{error}", request_id)
        return answers.success({"jsonrpc": "2.0", "id": request_id, "result": result})

    def _unknown(self, method: str) -> str:
        if self._era is Era.OLD:
            return f"Unhandled JSON-RPC method [{method}]"
        return f'{_NAMED}Endpoint with method "{method}" is not defined!'


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False
