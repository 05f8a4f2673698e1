using System.CommandLine;
using System.CommandLine.Help;

namespace NativeRanger.Cli.Commands;

/// <summary>The commands, and what their exit codes mean.</summary>
internal static class CommandLine
{
    public const int Success = 0;

    /// <summary>The command ran and found something wrong, or could not run.</summary>
    public const int Failure = 1;

    /// <summary>The command was not understood, or was given something that it cannot use.</summary>
    public const int Misuse = 2;

    /// <summary>Interrupted from the keyboard, as shells report it.</summary>
    public const int Interrupted = 130;

    /// <summary>Runs the command that the arguments name.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("NativeRanger: optimizers with native kernels for .NET arrays.")
        {
            HelpName = "nativeranger",
        };
        root.Add(TrainCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(InfoCommand.Create());

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            var command = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
            error.WriteLine($"nativeranger: {parsed.Errors[0].Message} See nativeranger{command} --help.");
            return Misuse;
        }

        try
        {
            return parsed.Invoke(
                new()
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                }
            );
        }
        catch (UserErrorException exception)
        {
            return Fail(exception.Message, Misuse);
        }
        catch (OperationCanceledException)
        {
            return Fail("interrupted.", Interrupted);
        }
        catch (Exception exception)
            when (exception
                    is NativeLibraryException
                        or PlatformNotSupportedException
                        or IOException
                        or UnauthorizedAccessException
            )
        {
            return Fail(exception.Message, Failure);
        }

        int Fail(string message, int code)
        {
            error.WriteLine($"nativeranger: {message}");
            return code;
        }
    }
}
