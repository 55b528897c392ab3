"""E-mail, through the SMTP server that the project file names."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from millrace.errors import ProjectFileError, RemoteError, nearest
from millrace.notify.base import PATIENCE, NotifierKind
from millrace.notify.letter import html
from millrace.records.message import Message

_KEYS = ("to", "from", "smtp")


@dataclass(frozen=True, slots=True)
class Mail:
    """Receivers, a sender, and the server that carries between them.

    `secure` is TLS from the first byte (smtps); otherwise the connection turns to TLS as soon as the server offers it.
    """

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    secure: bool = False
    user: str = ""
    password: str = ""

    def send(self, message: Message) -> None:
        """Hand the message over. Raises `RemoteError`, also when the server refuses any one receiver."""
        try:
            refused = self._carry(self.letter(message))
        except (OSError, smtplib.SMTPException) as error:
            seen = f"{self.host} did not take the mail: {type(error).__name__}: {error}"
            raise RemoteError(seen, where="notify", code="notify.refused") from None
        if refused:
            seen = f"{self.host} refused {', '.join(sorted(refused))}."
            raise RemoteError(seen, where="notify", code="notify.refused")

    def letter(self, message: Message) -> EmailMessage:
        """The message as a mail; its id is that of the message, so that a repetition is seen as one."""
        letter = EmailMessage()
        letter["Subject"] = " ".join(message.title.split())
        letter["From"], letter["To"] = self.sender, ", ".join(self.to)
        said = "".join(filter(str.isdigit, message.at))
        letter["Message-ID"] = f"<{message.identity.replace('/', '.')}.{said}@millrace.invalid>"
        letter["X-Millrace-Message"] = message.identity
        letter.set_content(message.text)
        if message.picture:
            letter.add_alternative(html(message), subtype="html")
        return letter

    def _carry(self, letter: EmailMessage) -> dict[str, tuple[int, bytes]]:
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=context)
            if self.secure
            else smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        ) as server:
            server.ehlo()
            private = self.secure or _loopback(self.host)
            if not self.secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                private = True
            if self.user:
                if not private:
                    raise smtplib.SMTPNotSupportedError("no TLS is offered, and a password is not sent in the clear")
                server.login(self.user, self.password)
            return server.send_message(letter)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open(target: str | Mapping[str, Any]) -> Mail:
    if not isinstance(target, Mapping) or not set(_KEYS) <= set(target) or set(target) - set(_KEYS):
        strange = sorted(set(target) - set(_KEYS)) if isinstance(target, Mapping) else []
        raise ProjectFileError(
            "`email` needs `to`, `from` and `smtp`" + (f", and knows no `{strange[0]}`." if strange else "."),
            where="monitor.alert",
            code="config.value",
            allowed=["email: {to: you@example.com, from: millrace@example.com, smtp: smtp://user:password@host:587}"],
            nearest=nearest(strange[0], _KEYS) if strange else None,
        )
    server = urlsplit(str(target["smtp"]))
    if server.scheme not in {"smtp", "smtps"} or not server.hostname:
        raise ProjectFileError(
            "`smtp` is not the URL of a mail server.",
            where="monitor.alert",
            code="config.value",
            allowed=["smtp://user:password@host:587", "smtps://user:password@host:465"],
        )
    secure = server.scheme == "smtps"
    to = target["to"] if isinstance(target["to"], list | tuple) else [target["to"]]
    return Mail(
        to=tuple(str(receiver) for receiver in to),
        sender=str(target["from"]),
        host=server.hostname,
        port=server.port or (465 if secure else 587),
        secure=secure,
        user=unquote(server.username or ""),
        password=unquote(server.password or ""),
    )


KIND = NotifierKind("email", _open)
