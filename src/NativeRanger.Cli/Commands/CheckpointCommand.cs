using System.CommandLine;

namespace NativeRanger.Cli.Commands;

/// <summary>Shows and verifies a checkpoint, and merges the shards of one.</summary>
internal sealed class CheckpointCommand : Command
{
    private const string Summary = """
        Shows what a checkpoint holds, and verifies every array and shard.

        With --merge also writes it into one file, as one process would have saved it: a sharded checkpoint can be resumed by
        any number of ranks as it is, but one safetensors file is easier to read with other tools.

        Examples:
          nativeranger checkpoint run.safetensors
          nativeranger checkpoint run.safetensors --merge whole.safetensors
        """;

    private readonly Argument<string> pathArgument = new("file")
    {
        Description = "The checkpoint, not one of its shards",
    };

    private readonly Option<string?> mergeOption = new("--merge")
    {
        Description = "Write everything into this one file",
        HelpName = "file",
    };

    public CheckpointCommand()
        : base("checkpoint", Summary)
    {
        Add(pathArgument);
        Add(mergeOption);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        void Line(string name, string value) => output.WriteLine($"{name, -18}{value}");

        var path = parsed.GetRequiredValue(pathArgument);
        if (!File.Exists(path))
        {
            throw new UserErrorException($"There is no file '{path}'.");
        }

        var checkpoint = Checkpoint.Open(path);
        Line("Optimizer", checkpoint.Optimizer);
        Line("Steps", $"{checkpoint.StepCount}, skipped {checkpoint.SkippedSteps}");
        Line("Elements", checkpoint.ElementType);
        foreach (var parameter in checkpoint.Parameters)
        {
            Line(
                "Parameter",
                $"{parameter.Name} [{string.Join(", ", parameter.Shape)}], group {parameter.Group}: {string.Join(", ", parameter.Arrays)}"
            );
        }

        foreach (var shard in checkpoint.Shards)
        {
            Line("Shard", shard);
        }

        checkpoint.Verify();
        Line("Checksums", "all as saved");
        if (parsed.GetValue(mergeOption) is { } target)
        {
            if (string.Equals(Path.GetFullPath(target), Path.GetFullPath(path), StringComparison.Ordinal))
            {
                throw new UserErrorException("--merge must name another file than the checkpoint itself.");
            }

            checkpoint.Merge(target);
            Line("Merged into", target);
        }

        return CommandLine.Success;
    }
}
