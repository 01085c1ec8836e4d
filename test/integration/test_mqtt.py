"""A page that speaks MQTT over WebSockets (mqtt.js, subprotocol `mqtt`) reaches a mosquitto that only
knows plain TCP."""
# ctest: world

import pytest

from harness import Service, run_node

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mosquitto")

    def command(port):
        # Without `user root` it would become a user that may not read this folder.
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n"
        )
        return ["/usr/sbin/mosquitto", "-c", str(folder / "mosquitto.conf")]

    broker = Service(command, folder / "mosquitto.log")
    yield broker
    broker.stop()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("version", [4, 5], ids=["MQTT 3.1.1", "MQTT 5"])
@pytest.mark.parametrize("size", [0, 5, MEGABYTE], ids=lambda size: f"{size} bytes")
def test_publishing_and_receiving_with_quality_of_service_1(
        wsluice, mosquitto, authority, tls_options, version, size, scheme):
    bridge = wsluice(mosquitto, *(tls_options if scheme == "wss" else []))
    report = run_node(
        "integration/clients/mqtt_round.mjs", limit=60, url=bridge.url("/mqtt", scheme, "localhost"),
        ca=str(authority.cert), version=version, bytes=size,
    )
    assert (report["name"], report["qos"], report["bytes"]) == ("wsluice/round", 1, size)
    assert report["receivedHash"] == report["sentHash"]


@pytest.mark.parametrize(
    "offered, chosen",
    [("mqtt", "mqtt"), ("mqttv3.1", "mqttv3.1"), ("mqtt, binary", "binary"), ("base64, mqtt", "mqtt")],
)
def test_the_subprotocol_is_one_that_the_client_offered(wsluice, mosquitto, connect, offered, chosen):
    client = connect(wsluice(mosquitto), path=None)
    answer = client.upgrade("/mqtt", {"Sec-WebSocket-Protocol": offered})
    assert answer.header("Sec-WebSocket-Protocol") == chosen
