"""`/jsonrpc` of a simulated FEMS: the device's own knowledge, for owners."""

import uuid
from collections.abc import Callable, Mapping

from optimizer.fems.simulated import answers, edge_config, history_query, lenient
from optimizer.fems.simulated.answers import Era, RefusedError, Reply
from optimizer.fems.simulated.history_query import QueryError
from optimizer.fems.simulated.house import SimulatedHouse

_Params = Mapping[str, object]
_UNANSWERED = "Unable to get Response: "
_NAMED = "io.openems.common.exceptions.OpenemsError$OpenemsNamedException: "


class JsonRpc:
    """The endpoint over `house`."""

    def __init__(self, house: SimulatedHouse, era: Era) -> None:
        self._house = house
        self._era = era
        self._methods: dict[str, Callable[[_Params], object]] = {
            "getEdgeConfig": lambda _: edge_config.of(house),
            "queryHistoricTimeseriesData": lambda asked: history_query.data(house, asked),
            "queryHistoricTimeseriesEnergy": lambda asked: history_query.energy(house, asked),
            "queryHistoricTimeseriesEnergyPerPeriod": (
                lambda asked: history_query.energy_per_period(house, asked)
            ),
        }

    def reply(self, role: str, method: str, body: str) -> Reply:
        """The answer to a request of somebody with `role`.

        Raises
        ------
        RefusedError
            If the role is too low.
        """
        if role != "OWNER":
            raise RefusedError(answers.ROLE, "HTTP POST JSON-RPC", role)
        if method != "POST":
            text = f"Method [{method}] is not supported for JSON-RPC endpoint"
            return answers.rpc_error(_UNANSWERED + text)
        try:
            message = lenient.parse_object(body)
        except RefusedError as error:
            return answers.rpc_error(f"{_UNANSWERED}{error}")
        return self._result(message)

    def _result(self, message: dict[str, object]) -> Reply:
        asked, params = message.get("method"), message.get("params", {})
        request_id = message.get("id") or str(uuid.uuid4())
        if not isinstance(asked, str):
            return answers.rpc_error(f"{_UNANSWERED}JSON has no member [method]")
        if not isinstance(params, dict):
            return answers.rpc_error(f"{_UNANSWERED}JSON [params] is not a JSON-Object")
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
