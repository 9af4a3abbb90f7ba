"""What can go wrong in the command.

CommandError
├── PortTakenError       a port of ours is in use
├── JarsUnavailableError Kafka's jars can't be fetched or are not what they should be
├── DataDirError         the data directory can't be used
├── AlreadyRunningError  another `civiloop up` holds the data directory
├── DoctorError          doctor found what stands in the way
└── StartError           a part of the platform did not come up
"""


class CommandError(Exception):
    """An error that is shown to the person at the terminal: what happened, then what can be done."""

    code = "command_failed"

    def __init__(self, message: str, *, hints: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints


class PortTakenError(CommandError):
    """A port of ours is in use."""

    code = "port_taken"


class JarsUnavailableError(CommandError):
    """Kafka's jars can't be fetched or are not what they should be."""

    code = "jars_unavailable"


class DataDirError(CommandError):
    """The data directory can't be used."""

    code = "data_dir"


class AlreadyRunningError(CommandError):
    """Another `civiloop up` holds the data directory."""

    code = "already_running"


class DoctorError(CommandError):
    """Doctor found what stands in the way."""

    code = "not_ready_to_start"


class StartError(CommandError):
    """A part of the platform did not come up."""

    code = "start_failed"
