namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>The tests' own program, as a launcher starts it on every rank.</summary>
internal static class Worker
{
    /// <summary>The exit code of a rank whose command threw what it was meant to.</summary>
    public const int Threw = 3;

    /// <summary>The command line of one of <see cref="WorkerCommands"/>.</summary>
    public static IEnumerable<string> Command(string command, params IEnumerable<string> arguments) =>
        [DotNet, Path.Combine(AppContext.BaseDirectory, "NativeRanger.Mpi.Tests.dll"), command, .. arguments];

    internal static int Main(string[] arguments)
    {
        var command = typeof(WorkerCommands).GetMethod(arguments[0]);
        if (command is null)
        {
            Console.Error.WriteLine($"There is no command {arguments[0]}. Run the tests with dotnet test.");
            return 2;
        }

        try
        {
            return command.Invoke(null, [.. arguments.Skip(1)]) as int? ?? 0;
        }
        catch (System.Reflection.TargetInvocationException thrown)
        {
            Console.Error.WriteLine(thrown.InnerException);
            return 1;
        }
    }

    public static string DotNet =>
        Environment.ProcessPath is { } host
        && string.Equals(Path.GetFileNameWithoutExtension(host), "dotnet", StringComparison.Ordinal)
            ? host
            : "dotnet";
}
