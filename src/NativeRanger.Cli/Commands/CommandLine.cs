using System.CommandLine;
using System.CommandLine.Help;
using NativeRanger.Mpi;

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
        root.Add(new TrainCommand());
        root.Add(new MinimizeCommand());
        root.Add(new TrajectoryCommand());
        root.Add(new VerifyCommand());
        root.Add(new BenchCommand());
        root.Add(new CheckpointCommand());
        root.Add(new InfoCommand());

        var parsed = root.Parse(args is [] ? ["--help"] : args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            error.WriteLine($"nativeranger: {Complaint(root, parsed)}");
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
                    is CudaException
                        or InsufficientMemoryException
                        or NativeLibraryException
                        or PlatformNotSupportedException
                        or IOException
                        or MpiException
                        or RankDisagreementException
                        or RankTimeoutException
                        or InvalidDataException
                        or NotSupportedException
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

    /// <summary>The first error, in one line, and where help is.</summary>
    private static string Complaint(RootCommand root, ParseResult parsed)
    {
        if (parsed.CommandResult.Command == root && parsed.UnmatchedTokens is [var unknown, ..])
        {
            return $"There is no command '{unknown}'; there are {string.Join(", ", root.Subcommands.Select(c => c.Name))}.";
        }

        var message = string.Join(
            ' ',
            parsed.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        );
        return $"{message} See nativeranger {parsed.CommandResult.Command.Name} --help.";
    }
}
